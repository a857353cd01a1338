"""The item table, which samplers draw from: id, weight and attributes of each item."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from easyrec_lite.checks.columns import InputField, input_fields
from easyrec_lite.checks.encoding import UTF8
from easyrec_lite.checks.list_text import number_lists
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError, DataError, Place, Problem, nearest
from easyrec_lite.data.tables.sampler_table import SamplerTable, header_names, read_sampler_table

COLUMNS = ("id", "weight", "feature")
NAMED_REMEDY = "give each attribute a column of its name in the header"


@dataclass(frozen=True)
class ItemTable:
    """M items in the order of the file.

    Attributes:
      ids: text, object [M], all different.
      weights: float64 [M], finite and ≥ 0; an item of weight 0 is never drawn.
      attributes: attribute field → array [M] of its type; text is object.
      place: number of an item → its file and line.
    """

    ids: np.ndarray
    weights: np.ndarray
    attributes: dict[str, np.ndarray]
    place: Callable[[int], Place] = dataclasses.field(default=lambda item: Place(), repr=False)

    def __len__(self) -> int:
        return len(self.ids)


def named_fields(pipeline: Pipeline, names: Sequence[str], path: str) -> list[InputField]:
    """Returns the input fields `names`, in that order.

    Args:
      pipeline: the config.
      names: `input_name`s.
      path: the config path where they are named.

    Raises:
      ConfigError: a name is no input field.
    """
    known = {field.name: field for field in input_fields(pipeline)}
    unknown = [
        Problem(
            f"{name!r} is no input field",
            pipeline.place(path),
            path,
            expected="a name in data_config.input_fields",
            nearest=nearest(name, known),
        )
        for name in names
        if name not in known
    ]
    if unknown:
        raise ConfigError(unknown)
    return [known[name] for name in names]


def attribute_fields(pipeline: Pipeline, names: Sequence[str], path: str) -> list[InputField]:
    """Returns the input fields `names` as tables hold them: lists of numbers are text.

    Raises: as `named_fields`.
    """
    lists = number_lists(View(pipeline))
    return [
        dataclasses.replace(field, type="STRING", default=b"") if field.name in lists else field
        for field in named_fields(pipeline, names, path)
    ]


def read_item_table(
    path: str | Path,
    attributes: Sequence[InputField],
    delimiter: str = ":",
    item: InputField | None = None,
    remedy: str = "write the attributes in the order of attr_fields, and set attr_delimiter; or "
    + NAMED_REMEDY,
    encoding: str = UTF8,
) -> ItemTable:
    """Reads lines `id⇥weight⇥attributes`.

    The header says where the attributes are: `id:int64⇥weight:float⇥feature:string`, joined by
    `delimiter` in one column; or `id⇥weight⇥brand⇥price`, in columns of their names. A named
    column that is no attribute is left out.

    Args:
      path: files, globs and folders, separated by commas: one table, each file with the header.
      attributes: what to read; in the order of the one column.
      delimiter: separates the attributes of a cell.
      item: the field of the ids. Where it holds integers, `007` equals `7`; where it is an
        attribute too, an item's attribute is its id.
      remedy: what to do about a cell with another number of attributes.
      encoding: the codec of the files.

    Raises:
      DataError: all bad lines at once: empty or repeated ids, weights that are not finite numbers
        ≥ 0, cells with another number of attributes, attributes of the wrong type, and ids that
        differ from the attribute of that name. Or the header lacks an attribute.
    """
    names = _named_columns(path, attributes, encoding)
    table = read_sampler_table(path, names or COLUMNS, encoding, named=bool(names))
    ids = table.ids(0, "id", item is not None and item.whole)
    _check_repeats(table, ids)
    weights = table.weights(1)
    columns = (
        [table.columns[names.index(attribute.name)] for attribute in attributes]
        if names
        else _split(table, attributes, delimiter, remedy)
    )
    values = {
        attribute.name: table.values(cells, attribute)
        for attribute, cells in zip(attributes, columns, strict=True)
    }
    if item is not None and item.name in values and not table.wrong("number of attributes").any():
        _check_own_id(table, ids, values[item.name], item.name)
    table.raise_problems()
    return ItemTable(ids, weights, values, table.place)


def _named_columns(path: str | Path, attributes: Sequence[InputField], encoding: str) -> list[str]:
    """Returns the columns that a table's header names; [] where one column holds all attributes.

    Raises:
      DataError: it names columns, but not all attributes, not the weight, or one twice.
    """
    names, wanted = header_names(path, encoding), [attribute.name for attribute in attributes]
    if len(names) < len(COLUMNS):
        return []
    if len(names) == len(COLUMNS) and (names[1] != COLUMNS[1] or names[2] not in wanted):
        return []
    place = Place(str(path), 1)
    problems = [
        Problem(
            f"the item table lacks the column {name!r}",
            place,
            name,
            found=", ".join(names),
            nearest=nearest(name, names[2:]),
            remedy="add the column, or rename it",
        )
        for name in wanted
        if name not in names[2:]
    ]
    if names[1] != COLUMNS[1] or len(set(names)) < len(names):
        expected = "id, weight, then the attributes by their names, each once"
        problems.append(
            Problem("the header of the item table is wrong", place, "", expected, ", ".join(names))
        )
    if problems:
        raise DataError(problems)
    return names


def _check_repeats(table: SamplerTable, ids: np.ndarray) -> None:
    codes, unique = pd.factorize(ids)
    first = np.zeros(len(unique), np.int64)
    first[codes[::-1]] = np.arange(len(ids))[::-1]
    table.report(
        (first[codes] != np.arange(len(ids))) & ~table.wrong("id"),
        "id",
        lambda entry: f"{ids[entry]!r}, which {_line(table, first[codes[entry]], entry)} has too",
        "each item once",
        "leave one of them",
    )


def _line(table: SamplerTable, entry: int, other: int) -> str:
    """Returns where an entry stands, as seen from another one."""
    place = table.place(entry)
    near = place.file == table.place(other).file
    return f"line {place.line}" if near else f"line {place.line} of {place.file}"


def _check_own_id(table: SamplerTable, ids: np.ndarray, own: np.ndarray, name: str) -> None:
    same = own.astype(str).astype(object) == ids
    table.report(
        ~same & ~table.wrong("id") & ~table.wrong(name),
        name,
        lambda entry: f"{str(own[entry])!r}, in the line of item {ids[entry]!r}",
        "the item's id, which the first column holds",
        "write each item's own attributes beside its id",
    )


def _split(
    table: SamplerTable, attributes: Sequence[InputField], delimiter: str, remedy: str
) -> list[pa.Array]:
    if len(attributes) == 1:
        return [table.columns[2]]
    pieces = pc.split_pattern(table.columns[2], delimiter)
    counts = pc.list_value_length(pieces).to_numpy()
    wrong = counts != len(attributes)
    names = delimiter.join(attribute.name for attribute in attributes)
    table.report(
        wrong,
        "number of attributes",
        lambda entry: f"{counts[entry]}: {table.columns[2][entry].as_py()!r}",
        f"{len(attributes)} attributes {names}",
        remedy,
    )
    if wrong.any():
        return [pa.array([""] * len(counts))] * len(attributes)
    flat = pieces.flatten().to_numpy(zero_copy_only=False).reshape(len(counts), len(attributes))
    return [pa.array(column, pa.string()) for column in flat.T]
