"""Embedding tables of all feature groups: feature values in, field vectors out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.config import Pipeline
from easyrec_lite.data.rows.values import Bags, Dense, DenseSteps, FeatureValue, Steps
from easyrec_lite.features import pooling, sharded
from easyrec_lite.features.combiners import AttentionPooling, TextCnnPooling, make_combiner
from easyrec_lite.features.initializers import table_values
from easyrec_lite.features.specs import FeatureSpec, TableSpec, group_specs, table_specs

Values = Mapping[str, FeatureValue]


class GroupEmbeddings(tf.Module):
    """One table for each (group, feature), or for each `embedding_name`.

    Gradients with respect to the tables are `tf.IndexedSlices`, so that a step's cost does not
    grow with a table.

    Args:
      pipeline: the config.
      seed: what each table's initial values derive from, with its name.

    Attributes:
      groups: group → its features, in the config's order.
      tables: table name → variable float32 [rows, dim], in parts on parameter servers (`sharded`).
      keras_layers: layers of the sequence combiners, built.

    Raises:
      ConfigError: a group or feature is not what it must be; all problems at once.
    """

    def __init__(self, pipeline: Pipeline, seed: int):
        super().__init__(name="embeddings")
        self.groups = group_specs(pipeline)
        self._may_stay_sequences = pipeline.config.model_config.HasField("backbone")
        self._combiners = self._make_combiners(seed)
        self.tables = {
            name: _make_table(table, seed) for name, table in table_specs(self.groups).items()
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
          training: whether the sequence combiners do as in training (dropout, batch norm).
          only: the features wanted; None: all.

        Raises:
          ConfigError: a sequence of the group has no `sequence_combiner`.
        """
        with tf.name_scope("embeddings"):
            return [
                self._field(group, spec, values[spec.name], training)
                for spec in self.groups[group]
                if only is None or spec.name in only
            ]

    def sequence(self, group: str, feature: str, values: Values) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns a SequenceFeature's steps, float32 [B, L, D] padded with zeros, and its lengths.

        L is the longest sequence of the batch; lengths are int64 [B].
        """
        spec = next(spec for spec in self.groups[group] if spec.name == feature)
        steps = self._steps(group, spec, values[feature])
        return steps.to_tensor(shape=[None, None, spec.dim]), steps.row_lengths()

    def widths(self, group: str) -> list[int]:
        """Returns D_f of each feature of `group`, in the config's order."""
        for spec in self.groups[group]:
            self._require_combiner(spec)
        return [spec.width for spec in self.groups[group]]

    def width(self, group: str) -> int:
        """Returns the width of the group's concatenated vectors, ΣD_f."""
        return sum(self.widths(group))

    @property
    def keras_layers(self) -> list[keras.layers.Layer]:
        """The built layers of the sequence combiners."""
        return [combiner.layer for combiner in self._combiners.values()]

    def _field(
        self, group: str, spec: FeatureSpec, value: FeatureValue, training: bool
    ) -> tf.Tensor:
        if isinstance(value, Steps | DenseSteps):
            self._require_combiner(spec)
            combiner = self._combiners[f"{group}/{spec.name}"]
            return tf.ensure_shape(
                combiner(self._steps(group, spec, value), training), [None, spec.width]
            )
        if isinstance(value, Dense) and not spec.rows:
            return value.values
        table = self._table(group, spec)
        if isinstance(value, Dense):
            return pooling.weigh(table, value.values)
        if isinstance(value, Bags):
            return pooling.pool(table, value, spec.table_combiner)
        return pooling.lookup_ids(table, value)

    def _steps(self, group: str, spec: FeatureSpec, value: Any) -> tf.RaggedTensor:
        table = self._table(group, spec) if spec.rows else None
        return pooling.steps(table, value, spec.table_combiner)

    def _table(self, group: str, spec: FeatureSpec) -> tf.Variable:
        return self.tables[spec.table(group)]

    def _make_combiners(self, seed: int) -> dict[str, AttentionPooling | TextCnnPooling]:
        made = {}
        for group, specs in self.groups.items():
            for spec in specs:
                if spec.sequence_combiner:
                    name = f"{group}_{spec.name}_{spec.sequence_combiner}"
                    made[f"{group}/{spec.name}"] = make_combiner(spec, name, seed)
                elif not self._may_stay_sequences:
                    self._require_combiner(spec)
        return made

    def _require_combiner(self, spec: FeatureSpec) -> None:
        if spec.kind == "SequenceFeature" and not spec.sequence_combiner:
            raise spec.error(
                "a SequenceFeature becomes one vector only by a sequence_combiner",
                "sequence_combiner",
                expected="sequence_combiner { attention {} } or { text_cnn {...} }",
                remedy="set one, or make it a TagFeature, which pools its vectors",
            )


def _make_table(table: TableSpec, seed: int) -> tf.Variable:
    values = partial(table_values, table, seed)
    with sharded.cut(table.most_parts):
        return tf.Variable(values, name=table.name, shape=(table.rows, table.dim), dtype=tf.float32)
