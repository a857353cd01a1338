"""The items that can be ranked or recommended: the rows of an item table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from easyrec_lite.config import Pipeline
from easyrec_lite.data.tables.item_table import read_item_table, sampler_fields


@dataclass(frozen=True)
class ItemRows:
    """M items.

    Attributes:
      ids: text, object [M], all different.
      columns: raw column → array [M] of its type, text as object.
      id_column: the input field that holds the id; '' where the config does not say.
      source: the table.
    """

    ids: np.ndarray
    columns: Mapping[str, np.ndarray]
    id_column: str
    source: str

    def __len__(self) -> int:
        return len(self.ids)


def sampler_table(pipeline: Pipeline) -> str:
    """Returns where the sampler's item table lies, '' when the config has none."""
    sampler = _sampler(pipeline)
    return getattr(sampler, "input_path", "") or getattr(sampler, "item_input_path", "")


def load_items(pipeline: Pipeline, path: str, columns: Sequence[str]) -> ItemRows:
    """Reads the items of the table at `path`.

    Its attributes are the sampler's `attr_fields`; without a sampler, they are `columns`, joined by
    `:`.

    Args:
      pipeline: the config.
      path: the item table.
      columns: the columns that the item's features read, in the config's order.

    Raises:
      ConfigError: the sampler names a column that is no input field.
      DataError: the table is missing or has bad lines.
    """
    sampler = _sampler(pipeline)
    named = f"data_config.{pipeline.config.data_config.WhichOneof('sampler')}"
    if sampler is None:
        fields = sampler_fields(pipeline, columns, "feature_config")
        table = read_item_table(Path(path), fields)
        return ItemRows(table.ids, table.attributes, "", path)
    id_column = sampler.item_id_field
    (item,) = sampler_fields(pipeline, [id_column], f"{named}.item_id_field")
    fields = sampler_fields(pipeline, sampler.attr_fields, f"{named}.attr_fields")
    whole = item.type.startswith("INT")
    table = read_item_table(Path(path), fields, sampler.attr_delimiter, whole)
    return ItemRows(table.ids, table.attributes, id_column, path)


def _sampler(pipeline: Pipeline) -> Any:
    data = pipeline.config.data_config
    kind = data.WhichOneof("sampler")
    return getattr(data, kind) if kind else None
