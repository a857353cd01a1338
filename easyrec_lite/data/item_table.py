"""The table of items that negative samplers draw from: id, weight and attributes of each item."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from easyrec_lite.data.sampler_table import SamplerTable, read_sampler_table
from easyrec_lite.errors import ConfigError, Problem, nearest
from easyrec_lite.protos import enum_descriptor

HEADER = "id:{id_type}\tweight:float\tfeature:string\n"
COLUMNS = ("id", "weight", "feature")
KINDS = {
    "INT32": pa.int32(),
    "INT64": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "BOOL": pa.bool_(),
    "STRING": pa.string(),
}


@dataclass(frozen=True)
class Attribute:
    """A column of the data that the item table holds too.

    Attributes:
      name: the input field.
      kind: type of its cells.
      default: text that an empty cell stands for.
    """

    name: str
    kind: pa.DataType
    default: str

    @property
    def is_integer(self) -> bool:
        """Whether the cells are whole numbers."""
        return pa.types.is_integer(self.kind)


@dataclass(frozen=True)
class ItemTable:
    """M items in the file's order.

    Attributes:
      ids: text, object [M], all different.
      weights: float64 [M], finite and ≥ 0; an item of weight 0 is never drawn.
      attributes: attribute → array [M] of its type; text is object.
    """

    ids: np.ndarray
    weights: np.ndarray
    attributes: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.ids)


def attributes_of(data_config: Any, names: Iterable[str]) -> list[Attribute]:
    """Returns the attributes `names`, typed as the input fields of `data_config`.

    Raises:
      ConfigError: a name is no input field.
    """
    fields = {field.input_name: field for field in data_config.input_fields}
    types = enum_descriptor("DatasetConfig.FieldType").values_by_number
    unknown = [_unknown_attribute(name, fields) for name in names if name not in fields]
    if unknown:
        raise ConfigError(unknown)
    return [
        Attribute(name, KINDS[types[fields[name].input_type].name], fields[name].default_val)
        for name in names
    ]


def _unknown_attribute(name: str, known: Iterable[str]) -> Problem:
    return Problem(
        f"the sampler names {name!r}, which is no input field",
        path="data_config",
        expected="names out of data_config.input_fields",
        nearest=nearest(name, known),
    )


def read_item_table(
    path: Path, attributes: Sequence[Attribute], delimiter: str = ":", integer_ids: bool = False
) -> ItemTable:
    """Reads a file of lines `id⇥weight⇥attributes`, the attributes joined by `delimiter`.

    Args:
      path: the file; its first line is a header such as
        `id:int64⇥weight:float⇥feature:string`.
      attributes: what the third column holds, in this order.
      delimiter: stands between the attributes of a cell.
      integer_ids: ids are whole numbers, and `007` means `7`.

    Raises:
      DataError: all bad lines together: empty or repeated ids, weights that are not finite
        numbers ≥ 0, cells with another number of attributes, attributes of the wrong type.
    """
    table = read_sampler_table(path, COLUMNS)
    ids = _ids(table, integer_ids)
    _check_repeats(table, ids)
    weights = table.weights(1)
    columns = _split(table, attributes, delimiter)
    values = {
        attribute.name: _cast(table, cells, attribute)
        for attribute, cells in zip(attributes, columns, strict=True)
    }
    table.raise_problems()
    return ItemTable(ids, weights, values)


def _ids(table: SamplerTable, integers: bool) -> np.ndarray:
    table.not_empty(0, "id")
    if not integers:
        return table.columns[0].to_numpy(zero_copy_only=False)
    return table.cast(table.columns[0], pa.int64(), "id").astype(str).astype(object)


def _check_repeats(table: SamplerTable, ids: np.ndarray) -> None:
    codes, unique = pd.factorize(ids)
    first = np.zeros(len(unique), np.int64)
    first[codes[::-1]] = np.arange(len(ids))[::-1]
    table.report(
        first[codes] != np.arange(len(ids)),
        "id",
        lambda entry: f"{ids[entry]!r}, which line {table.lines[first[codes[entry]]]} has too",
        "each item once",
        "leave one of them",
    )


def _split(table: SamplerTable, attributes: Sequence[Attribute], delimiter: str) -> list[pa.Array]:
    pieces = pc.split_pattern(table.columns[2], delimiter)
    counts = pc.list_value_length(pieces).to_numpy()
    wrong = counts != len(attributes)
    names = delimiter.join(attribute.name for attribute in attributes)
    table.report(
        wrong,
        "number of attributes",
        lambda entry: f"{counts[entry]}: {table.columns[2][entry].as_py()!r}",
        f"{len(attributes)} attributes {names}",
        "write the attributes in the order of attr_fields, and set attr_delimiter",
    )
    if wrong.any():
        return [pa.array([attribute.default or "0"] * len(counts)) for attribute in attributes]
    flat = pieces.flatten().to_numpy(zero_copy_only=False).reshape(len(counts), len(attributes))
    return [pa.array(column, pa.string()) for column in flat.T]


def _cast(table: SamplerTable, cells: pa.Array, attribute: Attribute) -> np.ndarray:
    default = attribute.default or ("" if attribute.kind == pa.string() else "0")
    filled = pc.if_else(pc.equal(cells, ""), default, cells)
    return table.cast(filled, attribute.kind, attribute.name)
