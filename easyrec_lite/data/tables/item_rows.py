"""The items of an export: read from an item table, and their vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import DataError, Place, Problem, nearest
from easyrec_lite.data.tables.item_table import read_item_table, sampler_fields
from easyrec_lite.models.assembly import Parts

ITEMS_AT_ONCE = 4096


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


def load_items(parts: Parts, path: str) -> ItemRows:
    """Reads the items of the table at `path`.

    Its attributes are the sampler's `attr_fields`; without a sampler, the columns that the item's
    features read, in the config's order, joined by `:`.

    Raises:
      ConfigError: the sampler names a column that is no input field.
      DataError: the table is missing or has bad lines.
    """
    pipeline, sampler = parts.pipeline, _sampler(parts.pipeline)
    named = f"data_config.{pipeline.config.data_config.WhichOneof('sampler')}"
    if sampler is None:
        fields = sampler_fields(pipeline, _read_columns(parts), "feature_config")
        table = read_item_table(Path(path), fields)
        return ItemRows(table.ids, table.attributes, "", path)
    id_column = sampler.item_id_field
    (item,) = sampler_fields(pipeline, [id_column], f"{named}.item_id_field")
    fields = sampler_fields(pipeline, sampler.attr_fields, f"{named}.attr_fields")
    whole = item.type.startswith("INT")
    table = read_item_table(Path(path), fields, sampler.attr_delimiter, whole)
    return ItemRows(table.ids, table.attributes, id_column, path)


class ItemTower:
    """The item tower, compiled once, with the weights that it has when it is called.

    Args:
      parts: the model.
    """

    def __init__(self, parts: Parts):
        self._names = _read_columns(parts)

        @tf.function(autograph=False, reduce_retracing=True)
        def tower(columns: dict[str, tf.Tensor]) -> tf.Tensor:
            return parts.model.item_vectors(parts.transform(columns, parts.item_features))

        self._tower = tower

    def vectors(self, items: ItemRows, batch: int = ITEMS_AT_ONCE) -> np.ndarray:
        """Returns the vectors of all items as served, float32 [M, D], `batch` at a time.

        Raises:
          DataError: the items lack a column that an item feature reads.
        """
        missing = [_missing(name, items) for name in self._names if name not in items.columns]
        if missing:
            raise DataError(missing)
        vectors = [
            self._tower(
                {name: tf.constant(items.columns[name][at : at + batch]) for name in self._names}
            )
            for at in range(0, len(items), batch)
        ]
        return np.concatenate([part.numpy() for part in vectors])


def _sampler(pipeline: Pipeline) -> Any:
    data = pipeline.config.data_config
    kind = data.WhichOneof("sampler")
    return getattr(data, kind) if kind else None


def _read_columns(parts: Parts) -> list[str]:
    return parts.transform.input_fields(parts.item_features)


def _missing(name: str, items: ItemRows) -> Problem:
    return Problem(
        f"the items have no column {name!r}, which an item feature reads",
        Place(items.source),
        name,
        found=", ".join(items.columns),
        nearest=nearest(name, items.columns),
        remedy="add it to the sampler's attr_fields and make the table again: "
        "python -m easyrec_lite.make_item_table --config …",
    )
