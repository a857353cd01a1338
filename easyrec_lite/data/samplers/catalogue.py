"""The items of a sampler, transformed once, so that a step only gathers rows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.data.tables.item_table import ItemTable

Transform = Callable[[Mapping[str, tf.Tensor]], dict[str, FeatureValue]]


class IdIndex(tf.Module):
    """The row of each of M different ids.

    Example:
      >>> IdIndex(tf.constant(["a", "7"]))(tf.constant([7, 8])).numpy().tolist()
      [1, -1]

    Args:
      ids: string [M], all different; also an attribute.
    """

    def __init__(self, ids: tf.Tensor):
        super().__init__()
        self.ids = ids
        rows = tf.range(tf.size(ids, out_type=tf.int64), dtype=tf.int64)
        entries = tf.lookup.KeyValueTensorInitializer(ids, rows)
        self._table = tf.lookup.StaticHashTable(entries, default_value=-1)

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns int64 [B], the row of each id, −1 for an unknown one.

        Args:
          ids: [B] strings, or integers, which are compared as decimal text.
        """
        text = ids if ids.dtype == tf.string else tf.strings.as_string(ids)
        return self._table.lookup(text)

    def digest(self) -> str:
        """Returns a SHA-256 of the ids in their order."""
        return hashlib.sha256(tf.io.serialize_tensor(self.ids).numpy()).hexdigest()


class Catalogue:
    """M items: their weights, and their feature values as tensors.

    Args:
      table: the items.
      id_field: the column of the data that holds the item's id.
      transform: raw columns of items → their feature values.
      power: exponent of the weights.

    Attributes:
      ids: string [M].
      table_weights: float64 [M] array, the weights of the table.
      weights: float64 [M] array, what is drawn by: the weights to the power; 0 stays 0.
      rows: the `IdIndex` of the items.
    """

    def __init__(self, table: ItemTable, id_field: str, transform: Transform, power: float = 1.0):
        columns = {name: tf.constant(cells) for name, cells in table.attributes.items()}
        self.table_weights = table.weights
        self.weights = np.where(table.weights > 0, table.weights**power, 0.0)
        self.ids = tf.constant(table.ids, tf.string)
        self.rows = IdIndex(self.ids)
        self._id_field = id_field
        self._features = transform(columns)

    def take(self, rows: tf.Tensor) -> tuple[dict[str, FeatureValue], dict[str, tf.Tensor]]:
        """Returns the feature values and the raw id column of the items at `rows`, int64 [n]."""
        features = {name: _gather(value, rows) for name, value in self._features.items()}
        return features, {self._id_field: tf.gather(self.ids, rows)}


def _gather(value: FeatureValue, rows: tf.Tensor) -> FeatureValue:
    return type(value)(*(None if part is None else tf.gather(part, rows) for part in value))
