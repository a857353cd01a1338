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
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError, DataError, Place, Problem, nearest
from easyrec_lite.core.files import atomic_write
from easyrec_lite.data.tables.sampler_table import MAX_PROBLEMS, SamplerTable, read_sampler_table

HEADER = "id:{kind}\tweight:float\tfeature:string\n"
COLUMNS = ("id", "weight", "feature")


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


def read_item_table(
    path: str | Path,
    attributes: Sequence[InputField],
    delimiter: str = ":",
    item: InputField | None = None,
    remedy: str = "write the attributes in the order of attr_fields, and set attr_delimiter",
    encoding: str = UTF8,
) -> ItemTable:
    """Reads lines `id⇥weight⇥attributes`, the attributes joined by `delimiter`.

    Args:
      path: files, globs and folders, separated by commas: one table. The first line of each file is
        a header such as `id:int64⇥weight:float⇥feature:string`.
      attributes: what the third column holds, in this order.
      delimiter: separates the attributes of a cell.
      item: the field of the ids. Where it holds integers, `007` equals `7`; where it is an
        attribute too, an item's attribute is its id.
      remedy: what to do about a cell with another number of attributes.
      encoding: the codec of the files.

    Raises:
      DataError: all bad lines at once: empty or repeated ids, weights that are not finite numbers
        ≥ 0, cells with another number of attributes, attributes of the wrong type, and ids that
        differ from the attribute of that name.
    """
    table = read_sampler_table(path, COLUMNS, encoding)
    ids = table.ids(0, "id", item is not None and item.whole)
    _check_repeats(table, ids)
    weights = table.weights(1)
    columns = _split(table, attributes, delimiter, remedy)
    values = {
        attribute.name: table.values(cells, attribute)
        for attribute, cells in zip(attributes, columns, strict=True)
    }
    if item is not None and item.name in values and not table.wrong("number of attributes").any():
        _check_own_id(table, ids, values[item.name], item.name)
    table.raise_problems()
    return ItemTable(ids, weights, values, table.place)


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


def write_item_table(
    path: Path,
    ids: pa.Array,
    weights: np.ndarray,
    attributes: Sequence[pa.Array],
    delimiter: str = ":",
    encoding: str = UTF8,
) -> None:
    """Writes a table that `read_item_table` reads.

    Args:
      path: the file to write; replaced completely or not at all.
      ids: text [M].
      weights: float [M].
      attributes: text [M] each, joined by `delimiter` in this order.
      delimiter: must not occur in an attribute when there are several.
      encoding: the codec of the file.

    Raises:
      DataError: an attribute or an id contains the delimiter, a tab or a line break.
    """
    cells = pc.binary_join_element_wise(*attributes, delimiter)
    parts = pc.add(pc.count_substring(cells, delimiter), 1).to_numpy(zero_copy_only=False)
    lines = pc.binary_join_element_wise(ids, pa.array(np.char.mod("%.6g", weights)), cells, "\t")
    breaks = pc.count_substring_regex(lines, r"[\t\r\n]").to_numpy(zero_copy_only=False)
    wrong = (breaks != len(COLUMNS) - 1) | (
        (parts != len(attributes)) if len(attributes) > 1 else False
    )
    if wrong.any():
        raise DataError([_unwritable(path, lines[row].as_py(), delimiter) for row in _first(wrong)])
    text = "\n".join(lines.to_pylist())
    whole = pc.all(pc.match_substring_regex(ids, r"^-?\d{1,18}$")).as_py()
    text = HEADER.format(kind="int64" if whole else "string") + text + "\n"
    atomic_write(path, text if encoding == UTF8 else _encoded(path, text, encoding))


def _encoded(path: Path, text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        found = repr(text[error.start : error.end])
        problem = Problem(f"{encoding} cannot write an item", Place(str(path)), found=found)
        raise DataError(problem) from None


def _first(wrong: np.ndarray) -> list[int]:
    return np.flatnonzero(wrong)[:MAX_PROBLEMS].tolist()


def _unwritable(path: Path, line: str, delimiter: str) -> Problem:
    return Problem(
        "an item cannot be written to the item table",
        Place(str(path)),
        expected=f"no {delimiter!r}, tab or line break within an attribute",
        found=repr(line[:200]),
        remedy="set the sampler's attr_delimiter to text that no attribute contains",
    )
