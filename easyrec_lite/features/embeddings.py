"""Embedding tables of all feature groups: from feature values to field vectors."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.features import EmbeddingTable, Feature, embedding_tables
from easyrec_lite.checks.specs.feature import SEQUENCE_COMBINERS
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.core.names import scope_name
from easyrec_lite.data.rows.values import Bags, Dense, DenseSteps, FeatureValue, Steps
from easyrec_lite.features import pooling, sharded
from easyrec_lite.features.initializers import table_values

Values = Mapping[str, FeatureValue]


class GroupEmbeddings(tf.Module):
    """One table for each (group, feature), or for each `embedding_name`.

    Gradients with respect to the tables are `tf.IndexedSlices`: the cost of a step does not depend
    on the number of rows.

    Args:
      pipeline: the config.
      seed: source, with the name of a table, of the seed of its initial values.

    Attributes:
      groups: group → its features, in the config's order.
      tables: table name → variable float32 [rows, dim], in parts on parameter servers (`sharded`).
      keras_layers: layers of the sequence combiners, built.

    Raises:
      ConfigError: a vocabulary cannot be read.

    Example:
      >>> from easyrec_lite import load_config
      >>> embeddings = GroupEmbeddings(load_config("dssm_on_taobao.config"), seed=1)
      >>> embeddings.groups["item"][0].name, embeddings.widths("item")[0]
      ('adgroup_id', 16)
    """

    def __init__(self, pipeline: Pipeline, seed: int):
        super().__init__(name="embeddings")
        self.groups = View(pipeline).feature_groups
        self._combiners = self._make_combiners(seed)
        self.tables = {
            name: _make_table(table, seed) for name, table in embedding_tables(self.groups).items()
        }

    def __call__(
        self,
        group: str,
        values: Values,
        training: bool = False,
        only: Collection[str] | None = None,
    ) -> list[tf.Tensor]:
        """Returns the field vectors of `group`, float32 [B, D_f] each, in the config's order.

        Args:
          group: name of a feature group.
          values: feature name → value of B rows; features of other groups may be there too.
          training: whether the sequence combiners run in training mode (dropout, batch norm).
          only: the features wanted; None: all.
        """
        with tf.name_scope("embeddings"):
            return [
                self._field(group, feature, values[feature.name], training)
                for feature in self.groups[group]
                if only is None or feature.name in only
            ]

    def sequence(self, group: str, name: str, values: Values) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns a SequenceFeature's steps, float32 [B, L, D] padded with zeros, and its lengths.

        L is the longest sequence of the batch; lengths are int64 [B].
        """
        steps = self.steps(group, name, values[name])
        return steps.to_tensor(shape=[None, None, steps.shape[-1]]), steps.row_lengths()

    def steps(self, group: str, name: str, value: FeatureValue) -> tf.RaggedTensor:
        """Returns the vectors of a SequenceFeature's steps, ragged float32 [B, (L), D]."""
        feature = next(feature for feature in self.groups[group] if feature.name == name)
        return self._steps(group, feature, value)

    def widths(self, group: str) -> list[int]:
        """Returns D_f of each feature of `group`, in the config's order."""
        return [feature.width for feature in self.groups[group]]

    def width(self, group: str) -> int:
        """Returns the width of the group's concatenated vectors, ΣD_f."""
        return sum(self.widths(group))

    @property
    def keras_layers(self) -> list[keras.layers.Layer]:
        """The built layers of the sequence combiners."""
        return [combiner.layer for combiner in self._combiners.values()]

    def _field(
        self, group: str, feature: Feature, value: FeatureValue, training: bool
    ) -> tf.Tensor:
        if isinstance(value, Steps | DenseSteps):
            combiner = self._combiners[f"{group}/{feature.name}"]
            return tf.ensure_shape(
                combiner(self._steps(group, feature, value), training), [None, feature.width]
            )
        if isinstance(value, Dense) and not feature.has_table:
            return value.values
        table = self._table(group, feature)
        if isinstance(value, Dense):
            return pooling.weigh(table, value.values)
        if isinstance(value, Bags):
            return pooling.pool(table, value, feature.table_combiner)
        return pooling.lookup_ids(table, value)

    def _steps(self, group: str, feature: Feature, value: Any) -> tf.RaggedTensor:
        table = self._table(group, feature) if feature.has_table else None
        return pooling.steps(table, value, feature.table_combiner)

    def _table(self, group: str, feature: Feature) -> tf.Variable:
        return self.tables[feature.table(group)]

    def _make_combiners(self, seed: int) -> dict[str, Any]:
        made = {}
        for group, features in self.groups.items():
            for feature in features:
                combiner = feature.sequence_combiner
                if combiner is not None:
                    name = f"{group}_{feature.name}_{combiner.name}"
                    make = SEQUENCE_COMBINERS.get(combiner.name)
                    made[f"{group}/{feature.name}"] = make(feature, name, seed)
        return made


def _make_table(table: EmbeddingTable, seed: int) -> tf.Variable:
    values = partial(table_values, table, seed)
    with sharded.cut(table.most_parts):
        name, shape = scope_name(table.name), (table.rows, table.dim)
        return tf.Variable(values, name=name, shape=shape, dtype=tf.float32)
