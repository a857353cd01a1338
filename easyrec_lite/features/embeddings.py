"""Embedding tables of all feature groups: from feature values to field vectors."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from easyrec_lite.checks.attention import SequenceAttention
from easyrec_lite.checks.features import EmbeddingTable, Feature, embedding_tables
from easyrec_lite.checks.specs.feature import SEQUENCE_COMBINERS
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.core.names import scope_name
from easyrec_lite.data.rows.values import Bags, Dense, DenseSteps, FeatureValue, Steps
from easyrec_lite.features import pooling, sharded
from easyrec_lite.features.attention import HistoryAttention
from easyrec_lite.features.initializers import table_values

Values = Mapping[str, FeatureValue]


class GroupVectors(NamedTuple):
    """The vectors of a feature group for B rows.

    Attributes:
      fields: float32 [B, D_f] of each feature in the config's order, then of each attention.
      looked_up: the vectors that come from tables, float32 [..., D], which embedding regularisation
        includes: also each step of a sequence that was pooled.
    """

    fields: list[tf.Tensor]
    looked_up: list[tf.Tensor]


class Pairs(NamedTuple):
    """P pairs of one of B rows and one of N candidates: the rows' own items, then sampled ones.

    Attributes:
      rows, candidates: int64 [P], the row and the candidate of each pair.
      names: the features that have a value for each of the N candidates, others have B.
    """

    rows: tf.Tensor
    candidates: tf.Tensor
    names: Collection[str]

    def of(self, feature: Feature, vectors: tf.Tensor) -> tf.Tensor:
        """Returns the vectors of a feature for the pairs, [P, D]."""
        return tf.gather(vectors, self.candidates if feature.name in self.names else self.rows)


class AttentionInputs(NamedTuple):
    """What an attention reads.

    Attributes:
      keys: float32 [B, D_f] of each key.
      histories, extras: the steps of each history and extra history, ragged float32 [B, (L), D_f].
    """

    keys: list[tf.Tensor]
    histories: list[tf.RaggedTensor]
    extras: list[tf.RaggedTensor]


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
      attentions: group → its `sequence_features`.
      keras_layers: layers of the sequence combiners and attentions, built.

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
        view = View(pipeline)
        self.groups, self.attentions = view.feature_groups, view.attentions
        self._widths = {group: view.field_widths(group) for group in self.groups}
        self._combiners = self._make_combiners(seed)
        self._attend = {
            group: [HistoryAttention(attention, seed) for attention in attentions]
            for group, attentions in self.attentions.items()
        }
        tables = embedding_tables(view.table_scopes)
        self.tables = {name: _make_table(table, seed) for name, table in tables.items()}

    def __call__(
        self,
        group: str,
        values: Values,
        training: bool = False,
        only: Collection[str] | None = None,
    ) -> list[tf.Tensor]:
        """Returns the field vectors of `group`, float32 [B, D_f] each; see `read`."""
        return self.read(group, values, training, only).fields

    def read(
        self,
        group: str,
        values: Values,
        training: bool = False,
        only: Collection[str] | None = None,
        pairs: Pairs | None = None,
    ) -> GroupVectors:
        """Returns the vectors of `group` for B rows.

        Keys of attentions may have further rows, of sampled items: those count as looked up.

        Args:
          group: name of a feature group.
          values: feature name → value of B rows; features of other groups may be there too.
          training: whether combiners and attentions run in training mode (dropout, batch norm).
          only: the features wanted, without attentions; None: all of the group.
          pairs: the pairs for which `fields` are wanted, each [P, D_f]; None: those of each row
            and its own item.
        """
        with tf.name_scope("embeddings"):
            vectors = GroupVectors([], [])
            for feature in self.groups[group]:
                if only is None or feature.name in only:
                    self._add_field(vectors, group, feature, values[feature.name], training)
                    if pairs is not None:
                        vectors.fields[-1] = pairs.of(feature, vectors.fields[-1])
            if only is None:
                own = dict(zip((f.name for f in self.groups[group]), vectors.fields, strict=True))
                for attention, attend in zip(
                    self.attentions[group], self._attend[group], strict=True
                ):
                    self._add_attended(vectors, attention, attend, own, values, training, pairs)
            return vectors

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
        """Returns D_f of each of the group's vectors: features in order, then attentions."""
        return self._widths[group]

    def field_names(self, group: str) -> list[str]:
        """Returns the names of the group's vectors: features in order, then attentions."""
        features = [feature.name for feature in self.groups[group]]
        return [*features, *(attention.name for attention in self.attentions[group])]

    def kernels(self, group: str) -> list[keras.Variable]:
        """Returns the kernels of the group's attentions, which l2 regularisation includes."""
        return [kernel for attend in self._attend[group] for kernel in attend.kernels]

    def width(self, group: str) -> int:
        """Returns the width of the group's concatenated vectors, ΣD_f."""
        return sum(self.widths(group))

    @property
    def keras_layers(self) -> list[keras.layers.Layer]:
        """The built layers of the sequence combiners and attentions."""
        attends = [attend for each in self._attend.values() for attend in each]
        return [
            *(combiner.layer for combiner in self._combiners.values()),
            *(layer for attend in attends for layer in attend.layers),
        ]

    def _add_field(
        self,
        vectors: GroupVectors,
        group: str,
        feature: Feature,
        value: FeatureValue,
        training: bool,
    ) -> None:
        if isinstance(value, Steps | DenseSteps):
            steps = self._steps(group, feature, value)
            vector = self._combiners[f"{group}/{feature.name}"](steps, training)
            vector = tf.ensure_shape(vector, [None, feature.width])
            vectors.looked_up.extend([steps.values] * feature.has_table)
        else:
            vector = self._vector(group, feature, value)
        vectors.fields.append(vector)
        vectors.looked_up.extend([vector] * feature.has_table)

    def _vector(self, scope: str, feature: Feature, value: Any) -> tf.Tensor:
        if isinstance(value, Dense) and not feature.has_table:
            return value.values
        table = self._table(scope, feature)
        if isinstance(value, Dense):
            return pooling.weigh(table, value.values)
        if isinstance(value, Bags):
            return pooling.pool(table, value, feature.table_combiner)
        return pooling.lookup_ids(table, value)

    def _steps(self, scope: str, feature: Feature, value: Any) -> tf.RaggedTensor:
        table = self._table(scope, feature) if feature.has_table else None
        return pooling.steps(table, value, feature.table_combiner)

    def _add_attended(
        self,
        vectors: GroupVectors,
        attention: SequenceAttention,
        attend: HistoryAttention,
        own: Mapping[str, tf.Tensor],
        values: Values,
        training: bool,
        pairs: Pairs | None,
    ) -> None:
        """Adds the output of an attention, and what it looks up beside the group's own vectors."""
        inputs = self.attention_inputs(attention, own, values)
        histories, extras = inputs.histories, inputs.extras
        if pairs is None:
            rows = tf.cast(histories[0].nrows(), tf.int32)
            keys = [_first(key, rows) for key in inputs.keys]
        else:
            keys = [
                vector if key.name in own else pairs.of(key, vector)
                for key, vector in zip(attention.keys, inputs.keys, strict=True)
            ]
            histories, extras = (
                [tf.gather(steps, pairs.rows) for steps in each] for each in (histories, extras)
            )
        key = tf.concat(keys, axis=-1)
        vectors.fields.append(attend(key, histories, extras, training))
        searched = zip(attention.keys, inputs.keys, strict=True)
        vectors.looked_up.extend(vector for key, vector in searched if key.name not in own)
        # As in EasyRec, extra histories are not among what is regularised.
        vectors.looked_up.extend(steps.values for steps in inputs.histories)

    def attention_inputs(
        self, attention: SequenceAttention, own: Mapping[str, tf.Tensor], values: Values
    ) -> AttentionInputs:
        """Returns the vectors that an attention reads.

        Args:
          attention: an attention of a group.
          own: feature name → vector [B, D_f], of the features that the group itself names.
          values: feature name → value of B rows.
        """
        scope = attention.scope
        return AttentionInputs(
            [
                own[key.name] if key.name in own else self._vector(scope, key, values[key.name])
                for key in attention.keys
            ],
            *(
                [self._steps(scope, feature, values[feature.name]) for feature in features]
                for features in (attention.histories, attention.extras)
            ),
        )

    def _table(self, scope: str, feature: Feature) -> tf.Variable:
        return self.tables[feature.table(scope)]

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


def _first(vectors: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    # The gradient of a slice by brackets is several times slower.
    return tf.slice(vectors, [0, 0], tf.stack([rows, vectors.shape[-1]]))


def _make_table(table: EmbeddingTable, seed: int) -> tf.Variable:
    values = partial(table_values, table, seed)
    with sharded.cut(table.most_parts):
        name, shape = scope_name(table.name), (table.rows, table.dim)
        return tf.Variable(values, name=name, shape=shape, dtype=tf.float32)
