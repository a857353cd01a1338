"""Embedding tables that belong to a block, over the raw ids of a feature group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.data.rows.values import Bags, Dense, FeatureValue, Ids, Steps
from easyrec_lite.features import pooling
from easyrec_lite.layers.initializers import initializer
from easyrec_lite.models.backbone.padding import StepLengths
from easyrec_lite.models.backbone.parse import COMBINERS
from easyrec_lite.protos import messages


class RawField(NamedTuple):
    """A feature's value without a table.

    Attributes:
      name: the feature.
      value: its value.
      rows: how many ids there are, 0 for numbers.
      least: L of a sequence, if its rows are shorter.
    """

    name: str
    value: FeatureValue
    rows: int
    least: int = 1


def raw_output(fields: Sequence[RawField], training: bool, lengths: StepLengths) -> Any:
    """Returns what a `raw_input` block gives.

    Numbers [B, ΣD]; of sequences of ids for each one the ids int64 [B, L], 0 where there is none,
    and the boolean mask [B, L]; else the fields.
    """
    if all(isinstance(field.value, Dense) for field in fields):
        return tf.concat([field.value[0] for field in fields], axis=-1)
    if all(isinstance(field.value, Steps) and field.value.ids.shape.rank == 2 for field in fields):
        return [part for field in fields for part in _tokens(field, lengths)]
    return list(fields)


def _tokens(field: RawField, lengths: StepLengths) -> tuple[tf.Tensor, tf.Tensor]:
    ids = field.value[0].to_tensor(-1)
    ids = tf.pad(
        ids, [[0, 0], [0, tf.maximum(field.least - tf.shape(ids)[1], 0)]], constant_values=-1
    )
    real, ids = ids >= 0, tf.maximum(ids, 0)
    lengths.add(ids, field.value[0].row_lengths())
    return ids, real


class EmbeddingLayer(keras.layers.Layer):
    """Looks raw ids up in a table for each feature: F fields → [B, F·D], or a list of [B, D].

    Args:
      options: the `EmbeddingLayer` message: embedding_dim D; vocab_size, the tables' rows (unset:
        the feature's own); combiner: weight (weighted sum), sum, mean or sqrtn; concat.
      seed: source of the seeds of the initialisers (glorot-uniform).
      name: the layer's name.
    """

    def __init__(self, options: messages.EmbeddingLayer, seed: int, name: str):
        super().__init__(name=name)
        self._options = options
        self._seed = seed
        self._tables: list[keras.Variable] = []

    def lookup(self, fields: Any) -> Any:
        """Returns the vectors of raw fields; the first call creates the tables.

        Raises:
          ConfigError: the input is not made of ids, or there are more ids than rows.
        """
        self._check(fields)
        if not self._tables:
            with keras.name_scope(self.name):
                self._tables = [self._table(field) for field in fields]
            self.built = True
        combiner = COMBINERS[self._options.combiner]
        vectors = [
            pooling.pool(table.value, field.value, combiner)
            if isinstance(field.value, Bags)
            else pooling.lookup_ids(table.value, field.value)
            for table, field in zip(self._tables, fields, strict=True)
        ]
        return tf.concat(vectors, axis=-1) if self._options.concat else vectors

    def _table(self, field: RawField) -> keras.Variable:
        shape = (self._options.vocab_size or field.rows, self._options.embedding_dim)
        start = initializer("glorot_uniform", self._seed, f"{self.name}/{field.name}")
        return self.add_weight(name=field.name, shape=shape, initializer=start)

    def _check(self, fields: Any) -> None:
        ids = isinstance(fields, list) and all(
            isinstance(field, RawField) and isinstance(field.value, Ids | Bags) for field in fields
        )
        size = self._options.vocab_size
        if not ids:
            expected = "a raw_input block of id or tag features"
            raise ConfigError(Problem(f"{self.name}: cannot embed its input", expected=expected))
        for field in fields:
            if size and field.rows > size:
                raise ConfigError(
                    Problem(
                        f"{self.name}: feature {field.name!r} has more ids than the table rows",
                        expected=f"vocab_size of {field.rows} or more",
                        found=str(size),
                    )
                )
