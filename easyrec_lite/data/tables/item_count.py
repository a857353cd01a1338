"""Makes an item table from rows of data: how often each item occurs in them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from easyrec_lite.checks.columns import InputField
from easyrec_lite.checks.encoding import text_codec
from easyrec_lite.checks.item_id import item_columns, item_table, ranked_id_field
from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.specs.reader import READERS, PlainReader
from easyrec_lite.checks.specs.sampler import sampler_of
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.config.data_paths import train_path
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, DataError, Place, Problem
from easyrec_lite.core.overwriting import refuse_overwriting
from easyrec_lite.data.readers.input_files import expand
from easyrec_lite.data.tables.item_table import named_fields
from easyrec_lite.data.tables.item_table_writer import write_item_table, write_named_table


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


@dataclass(frozen=True)
class TableLayout:
    """What an item table of a config holds.

    Attributes:
      item: the field of the item's id.
      attributes: the fields of its attributes, in the order of the table.
      delimiter: joins the attributes in one column; "" for a column each.
      path: the table that the config names, "" for none.
      encoding: the codec of tables.
    """

    item: InputField
    attributes: Sequence[InputField]
    delimiter: str
    path: str
    encoding: str


def make_item_table(
    pipeline: Pipeline, output: str | None, label: str, power: float, item: str = ""
) -> str:
    """Counts the items of the training data and writes an item table.

    Args:
      pipeline: the config.
      output: the file; None for the one that the config names.
      label: as of `count_items`.
      power: as of `write_counts`.
      item: as of `table_layout`.

    Returns:
      Lines that say what was written, and what to do with it.

    Raises:
      ConfigError: the config names no table, or one of several files, and `output` is None; the
        table would overwrite the training data; or as of `table_layout`.
      DataError: the training data cannot be read.
    """
    layout = table_layout(pipeline, item)
    path = Path(output or _own_file(layout.path))
    if fs.exists(path):
        refuse_overwriting(path, expand(train_path(pipeline)), "--output")
    items = count_items(pipeline, layout, label)
    write_counts(path, layout, items, power)
    lines = [f"{items.rows} rows, {len(items.ids)} items written to {path}"]
    never = int((items.counts == 0).sum())
    if never:
        lines.append(f"{never} items have no row with {label} above 0: weight 0, never drawn")
    if items.conflicts:
        lines.append(f"{items.conflicts} items with different attributes: those of the last row")
    if items.without_id:
        lines.append(f"{items.without_id} rows without an item id are left out")
    if str(path) != layout.path:
        path_flag = f"--item_path {shlex.quote(str(path))}"
        lines.append(f"give it to python -m easyrec_lite.export, or evaluate, by {path_flag}")
    return "\n".join(lines)


def _own_file(path: str) -> str:
    """Returns the one file that the config's item table is.

    Raises:
      ConfigError: it names none or several.
    """
    several = fs.is_glob(path) or fs.is_dir(path) or ("," in path and not fs.is_file(path))
    if path and not several:
        return path
    raise ConfigError(
        Problem(
            "the config's item table is no single file" if path else "the config names no table",
            Place("command line"),
            expected="a file to write",
            found=path,
            remedy="name it by --output, such as --output items.txt",
        )
    )


def table_layout(pipeline: Pipeline, item: str = "") -> TableLayout:
    """Returns what an item table of the config holds.

    With a sampler, that is what the sampler reads; else the columns of the item's features.

    Args:
      pipeline: the config.
      item: the field of the item's id; "" for the one that the config names.

    Raises:
      ConfigError: the config has neither a sampler nor features of items, or does not name the
        item's id, or names what is no input field.
    """
    sampler = sampler_of(pipeline.config.data_config)
    path, encoding = item_table(pipeline.config), text_codec(pipeline.config.data_config)
    if sampler is not None:
        spec, message = sampler
        own = f"data_config.{spec.name}"
        (field,) = named_fields(pipeline, [item or message.item_id_field], f"{own}.item_id_field")
        attributes = named_fields(pipeline, message.attr_fields, f"{own}.attr_fields")
        return TableLayout(field, attributes, message.attr_delimiter, path, encoding)
    columns = item_columns(View(pipeline))
    if not columns:
        raise ConfigError(
            Problem(
                "the config has neither a negative sampler nor features of items",
                pipeline.place("model_config"),
                "model_config",
                expected="a sampler with attr_fields, or a model with groups of item features",
                remedy="correct model_class and feature_groups, or add a sampler to data_config",
            )
        )
    (field,) = named_fields(pipeline, [item or _item_id(pipeline, columns)], "--item_id")
    attributes = named_fields(pipeline, columns, "feature_config")
    return TableLayout(field, attributes, "", path, encoding)


def _item_id(pipeline: Pipeline, columns: Sequence[str]) -> str:
    """Returns the field of the item's id.

    Raises:
      ConfigError: the config does not tell.
    """
    view = View(pipeline)
    named = view.spec.item_ids(view) if view.spec else set()
    named = {*named, ranked_id_field(pipeline.config)} & set(view.fields)
    if len(named) == 1:
        return named.pop()
    raise ConfigError(
        Problem(
            "the config does not say which field holds the item's id",
            pipeline.place("model_config"),
            "model_config",
            expected=f"one of {', '.join(columns)}",
            found=", ".join(sorted(named)),
            remedy="name it by --item_id",
        )
    )


def count_items(pipeline: Pipeline, layout: TableLayout, label: str = "") -> ItemCounts:
    """Counts the items of the training data, with their attributes.

    Args:
      pipeline: the config.
      layout: what the table holds.
      label: count only rows where this field is above 0; "" counts all rows.

    Raises:
      ConfigError: the label is no input field, or only TensorFlow reads the data.
      DataError: the data cannot be read, or a label is no number.
    """
    item, attributes = layout.item, layout.attributes
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


def write_counts(path: Path, layout: TableLayout, items: ItemCounts, power: float) -> None:
    """Writes the item table of `items` with weight count ** power; an item of count 0 has weight 0.

    Raises:
      DataError: an attribute contains the sampler's `attr_delimiter`.
    """
    weights = np.where(items.counts > 0, items.counts.astype(np.float64) ** power, 0.0)
    attributes = [pa.array(items.attributes[name], pa.string()) for name in items.attributes]
    ids = pa.array(items.ids)
    if layout.delimiter:
        write_item_table(path, ids, weights, attributes, layout.delimiter, layout.encoding)
    else:
        names = [field.name for field in layout.attributes]
        columns = dict(zip(names, attributes, strict=True))
        write_named_table(path, ids, weights, columns, layout.encoding)


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
