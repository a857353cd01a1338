"""The items that can be ranked or recommended: the rows of an item table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from easyrec_lite.checks.encoding import text_codec
from easyrec_lite.checks.item_id import ranked_id_field
from easyrec_lite.checks.specs.sampler import sampler_of
from easyrec_lite.config import Pipeline
from easyrec_lite.data.rows.cells import CellCheck, nothing
from easyrec_lite.data.tables.item_cells import require_readable
from easyrec_lite.data.tables.item_table import (
    NAMED_REMEDY,
    attribute_fields,
    named_fields,
    read_item_table,
)

REMEDY = (
    "write the columns that the item's features read, in the config's order, joined by : ; or "
    + NAMED_REMEDY
)


@dataclass(frozen=True)
class ItemRows:
    """M items.

    Attributes:
      ids: text, object [M], all different.
      columns: raw column → array [M] of its type, text as object.
      id_column: the input field that holds the id; "" where the config does not say.
      source: the table.
    """

    ids: np.ndarray
    columns: Mapping[str, np.ndarray]
    id_column: str
    source: str

    def __len__(self) -> int:
        return len(self.ids)


def load_items(
    pipeline: Pipeline, path: str, columns: Sequence[str], cells: CellCheck = nothing
) -> ItemRows:
    """Reads the items of the table at `path`.

    Its attributes are the sampler's `attr_fields`; without a sampler, they are `columns`. They are
    joined in one column, without a sampler by `:`, or in columns of their names.

    Args:
      pipeline: the config.
      path: the item table: files, globs and folders, separated by commas.
      columns: the columns that the item's features read, in the config's order.
      cells: what the items' attributes must be.

    Raises:
      ConfigError: the sampler names a column that is no input field.
      DataError: the table is missing or has bad lines, or attributes that are not as `cells` says.
    """
    data = pipeline.config.data_config
    sampler, encoding = sampler_of(data), text_codec(data)
    if sampler is None:
        fields = attribute_fields(pipeline, columns, "feature_config")
        name = ranked_id_field(pipeline.config)
        named = named_fields(pipeline, [name] if name else [], "model_config")
        item = next(iter(named), None)
        table = read_item_table(path, fields, item=item, remedy=REMEDY, encoding=encoding)
        require_readable(table, cells)
        return ItemRows(table.ids, table.attributes, name, path)
    spec, message = sampler
    own = f"data_config.{spec.name}"
    (item,) = named_fields(pipeline, [message.item_id_field], f"{own}.item_id_field")
    fields = attribute_fields(pipeline, message.attr_fields, f"{own}.attr_fields")
    table = read_item_table(path, fields, message.attr_delimiter, item, encoding=encoding)
    require_readable(table, cells)
    return ItemRows(table.ids, table.attributes, item.name, path)
