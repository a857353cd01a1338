"""The vectors of users and items, from raw columns, by a retrieval model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.core.errors import DataError, Place, Problem, nearest
from easyrec_lite.data.tables.item_rows import ItemRows
from easyrec_lite.models.assembly import Parts
from easyrec_lite.models.retrieval.task import retrieval_of

ITEMS_AT_ONCE = 4096
Columns = Mapping[str, Any]


class UserEncoder:
    """Encodes users from their raw columns.

    Args:
      parts: the model; each call uses its current weights.

    Attributes:
      inputs: the raw columns that it reads.

    Raises:
      ConfigError: it is a model of another task.
    """

    def __init__(self, parts: Parts):
        self._parts, self._model = parts, retrieval_of(parts.model)
        self._features = parts.features_of(self._model.user_groups)
        self.inputs = parts.transform.input_fields(self._features)

    def compiled(self, specs: Mapping[str, Any]) -> Callable[[Columns], np.ndarray]:
        """Returns the function of raw columns of B users → vectors as served, float32 [B, K, D].

        Args:
          specs: column → `tf.TypeSpec` of each of `inputs`, and of others.
        """

        @tf.function(autograph=False, input_signature=[{name: specs[name] for name in self.inputs}])
        def encode(columns: Columns) -> tf.Tensor:
            values = self._parts.transform(columns, self._features)
            return self._model.user_vectors(values).vectors

        return lambda columns: encode({name: columns[name] for name in self.inputs}).numpy()


class ItemEncoder:
    """Encodes items from their raw columns.

    Args:
      parts: the model; each call uses its current weights.

    Attributes:
      inputs: the raw columns that it reads.

    Raises:
      ConfigError: it is a model of another task.
    """

    def __init__(self, parts: Parts):
        model = retrieval_of(parts.model)
        features = parts.features_of(model.item_groups)
        self.inputs = parts.transform.input_fields(features)

        @tf.function(autograph=False, reduce_retracing=True)
        def encode(columns: Columns) -> tf.Tensor:
            return model.item_vectors(parts.transform(columns, features))

        self._encode = encode

    def vectors(self, items: ItemRows, batch: int = ITEMS_AT_ONCE) -> np.ndarray:
        """Returns the vectors of all items as served, float32 [M, D], `batch` at a time.

        Raises:
          DataError: the items lack a column that an item feature reads.
        """
        missing = [_missing(name, items) for name in self.inputs if name not in items.columns]
        if missing:
            raise DataError(missing)
        vectors = [
            self._encode(
                {name: tf.constant(items.columns[name][at : at + batch]) for name in self.inputs}
            )
            for at in range(0, len(items), batch)
        ]
        return np.concatenate([part.numpy() for part in vectors])


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
