"""Makes an item table from rows of data: how often each item occurs in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from easyrec_lite.checks.columns import InputField
from easyrec_lite.checks.encoding import text_codec
from easyrec_lite.checks.item_id import item_table
from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.specs.reader import READERS, PlainReader
from easyrec_lite.checks.specs.sampler import SAMPLERS, sampler_of
from easyrec_lite.config import Pipeline
from easyrec_lite.config.data_paths import train_path
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, DataError, Place, Problem
from easyrec_lite.core.overwriting import refuse_overwriting
from easyrec_lite.data.readers.input_files import expand
from easyrec_lite.data.tables.item_table import named_fields, write_item_table


@dataclass(frozen=True)
class ItemCounts:
    """M items in the order of their first row.

    Attributes:
      ids: text, object [M].
      counts: int64 [M], the number of counted rows.
      attributes: text, M rows, an attribute a column in the sampler's order; those of the last row
        of each item.
      rows: how many rows were read.
      without_id: how many of them have no item id; they are left out.
      conflicts: how many items have rows with different attributes.
    """

    ids: np.ndarray
    counts: np.ndarray
    attributes: pd.DataFrame
    rows: int
    without_id: int
    conflicts: int


def make_item_table(pipeline: Pipeline, output: str | None, label: str, power: float) -> str:
    """Counts the items of the training data and writes the sampler's item table.

    Args:
      pipeline: the config.
      output: the file; None for the one that the sampler reads.
      label: as of `count_items`.
      power: as of `write_counts`.

    Returns:
      Lines that say what was written.

    Raises:
      ConfigError: the config has no sampler, its table is no single file, or the table would
        overwrite the training data.
      DataError: the training data cannot be read.
    """
    require_sampler(pipeline)
    path = Path(output or _own_file(pipeline))
    if fs.exists(path):
        refuse_overwriting(path, expand(train_path(pipeline)), "--output")
    items = count_items(pipeline, label)
    write_counts(path, pipeline, items, power)
    lines = [f"{items.rows} rows, {len(items.ids)} items written to {path}"]
    never = int((items.counts == 0).sum())
    if never:
        lines.append(f"{never} items have no row with {label} above 0: weight 0, never drawn")
    if items.conflicts:
        lines.append(f"{items.conflicts} items with different attributes: those of the last row")
    if items.without_id:
        lines.append(f"{items.without_id} rows without an item id are left out")
    return "\n".join(lines)


def _own_file(pipeline: Pipeline) -> str:
    """Returns the one file that the config's item table is.

    Raises:
      ConfigError: it names several.
    """
    path = item_table(pipeline.config)
    several = fs.is_glob(path) or fs.is_dir(path) or ("," in path and not fs.is_file(path))
    if several:
        raise ConfigError(
            Problem(
                "the config's item table is no single file",
                Place("command line"),
                expected="a file to write",
                found=path,
                remedy="name it by --output",
            )
        )
    return path


def require_sampler(pipeline: Pipeline) -> tuple[str, Any]:
    """Returns the config path of the sampler and its message.

    Raises:
      ConfigError: the config has none.
    """
    sampler = sampler_of(pipeline.config.data_config)
    if sampler is None:
        raise ConfigError(
            Problem(
                "the config has no negative sampler, so that no table of items is needed",
                pipeline.place("data_config"),
                "data_config",
                expected="one of " + ", ".join(SAMPLERS.names()),
                remedy="add a sampler, with item_id_field and attr_fields, to data_config",
            )
        )
    spec, message = sampler
    return f"data_config.{spec.name}", message


def count_items(pipeline: Pipeline, label: str = "") -> ItemCounts:
    """Counts the items of the training data, with the attributes that the sampler names.

    Args:
      pipeline: a config with a sampler.
      label: count only rows where this field is above 0; "" counts all rows.

    Raises:
      ConfigError: no sampler, a name is no input field, or only TensorFlow reads the data.
      DataError: the data cannot be read, or a label is no number.
    """
    path, config = require_sampler(pipeline)
    (item,) = named_fields(pipeline, [config.item_id_field], f"{path}.item_id_field")
    attributes = named_fields(pipeline, config.attr_fields, f"{path}.attr_fields")
    labels = named_fields(pipeline, [label] if label else [], "--label")
    fields = list(dict.fromkeys([item, *attributes, *labels]))
    totals: list[pd.Series] = []
    variants = pd.DataFrame()
    rows = without_id = 0
    for table in _plain_reader(pipeline).text(expand(pipeline.config.train_input_path), fields):
        cells = _frame(table, item, attributes)
        counted = _above_zero(table, labels[0]) if labels else np.ones(len(cells), np.int64)
        known = (cells["id"] != "").to_numpy()
        rows, without_id = rows + len(cells), without_id + int((~known).sum())
        totals.append(
            pd.Series(counted[known]).groupby(cells["id"][known].to_numpy(), sort=False).sum()
        )
        variants = pd.concat([variants, cells[known]]).drop_duplicates(keep="last")
    if rows == without_id:
        place = Place(pipeline.config.train_input_path)
        raise DataError(Problem(f"no row has a value of {item.name}", place, item.name))
    total = pd.concat(totals).groupby(level=0, sort=False).sum()
    return ItemCounts(
        total.index.to_numpy(object),
        total.to_numpy(np.int64),
        variants.drop_duplicates("id", keep="last").set_index("id").loc[total.index],
        rows,
        without_id,
        int(variants["id"].value_counts().gt(1).sum()),
    )


def _plain_reader(pipeline: Pipeline) -> PlainReader:
    path, name = "data_config.input_type", enum_name(pipeline.config.data_config, "input_type")
    reader = READERS.spec(name).plain_reader(pipeline)
    if reader is None:
        known = [name for spec in READERS.specs() if spec.plain for name in spec.names]
        raise ConfigError(
            Problem(
                f"items cannot be counted in data of input_type {name}",
                pipeline.place(path),
                path,
                expected="one of " + ", ".join(known),
                remedy="convert the files",
            )
        )
    return reader


def write_counts(path: Path, pipeline: Pipeline, items: ItemCounts, power: float) -> None:
    """Writes the item table of `items` with weight count ** power; an item of count 0 has weight 0.

    Raises:
      DataError: an attribute contains the sampler's `attr_delimiter`.
    """
    _, config = require_sampler(pipeline)
    weights = np.where(items.counts > 0, items.counts.astype(np.float64) ** power, 0.0)
    attributes = [pa.array(items.attributes[name], pa.string()) for name in items.attributes]
    encoding = text_codec(pipeline.config.data_config)
    ids = pa.array(items.ids)
    write_item_table(path, ids, weights, attributes, config.attr_delimiter, encoding)


def _frame(table: pa.Table, item: InputField, attributes: Sequence[InputField]) -> pd.DataFrame:
    """Returns the text columns `id`, and 0, 1, … for the attributes."""
    ids = table[item.name]
    if item.whole:
        empty = pc.equal(ids, "")
        numbers = _cast(pc.if_else(empty, None, ids), pa.int64(), item)
        ids = numbers.cast(pa.string()).fill_null("")
    cells: dict[object, pd.Series] = {"id": ids.to_pandas()}
    cells |= {place: table[field.name].to_pandas() for place, field in enumerate(attributes)}
    return pd.DataFrame(cells)


def _above_zero(table: pa.Table, label: InputField) -> np.ndarray:
    cells = table[label.name]
    numbers = _cast(pc.if_else(pc.equal(cells, ""), "0", cells), pa.float64(), label)
    return (numbers.to_numpy() > 0).astype(np.int64)


def _cast(cells: pa.ChunkedArray, kind: pa.DataType, field: InputField) -> pa.ChunkedArray:
    try:
        return cells.cast(kind)
    except pa.ArrowInvalid as error:
        message = f"a value of {field.name} is no number: {error}"
        raise DataError(Problem(message, path=field.name)) from error
