"""The inputs of a backbone: vectors, sequences and raw values of the feature groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from easyrec_lite.checks.features import Feature, FeatureGroups
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.data.rows.values import Bags, Dense, FeatureValue, Ids, Steps
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.models.backbone.embedding_layer import RawField
from easyrec_lite.models.backbone.padding import EXAMPLE_STEPS


class Sequences(NamedTuple):
    """The sequences of a group, and its other fields."""

    steps: tf.Tensor
    lengths: tf.Tensor
    fields: list[tf.Tensor]


class GroupReader(Protocol):
    """Gives the contents of feature groups."""

    def fields(self, group: str) -> list[tf.Tensor]:
        """Returns the vectors [B, D_f] of the group's features."""

    def sequences(self, group: str) -> Sequences:
        """Returns the sequences joined, [B, L, ΣD] and lengths [B], and the other vectors."""

    def raw(self, group: str) -> list[RawField]:
        """Returns the features' values without tables."""


class EmbeddedGroups:
    """The groups of a batch; each is looked up once.

    Args:
      embeddings: the `GroupEmbeddings`.
      features: feature name → value of the rows.
      training: whether it is training.

    Attributes:
      vectors: group → its vectors that were looked up in tables so far, for embedding
        regularisation; raw numbers are not among them.
    """

    def __init__(
        self, embeddings: GroupEmbeddings, features: dict[str, FeatureValue], training: bool
    ):
        self._embeddings = embeddings
        self._features = features
        self._training = training
        self.vectors: dict[str, list[tf.Tensor]] = {}
        self._fields: dict[str, list[tf.Tensor]] = {}
        self._read: dict[str, Sequences] = {}

    def fields(self, group: str) -> list[tf.Tensor]:
        """Returns the vectors [B, D_f] of the group's features."""
        if group not in self._fields:
            widths = self._embeddings.widths(group)
            vectors = self._embeddings(group, self._features, self._training)
            self._fields[group] = [
                tf.ensure_shape(field, [None, width])
                for field, width in zip(vectors, widths, strict=True)
            ]
            self._note(group, self._embeddings.groups[group], self._fields[group])
        return self._fields[group]

    def sequences(self, group: str) -> Sequences:
        """Returns the sequences joined, [B, L, ΣD] and lengths [B], and the other vectors."""
        if group not in self._read:
            members = self._embeddings.groups[group]
            kept = [feature for feature in members if feature.stays_sequence]
            parts = [
                self._embeddings.sequence(group, feature.name, self._features) for feature in kept
            ]
            others = [feature for feature in members if not feature.stays_sequence]
            names = [feature.name for feature in others]
            fields = self._embeddings(group, self._features, self._training, only=names)
            self._read[group] = join_sequences(group, parts, fields)
            self._note(group, [*kept, *others], [steps for steps, _ in parts] + fields)
        return self._read[group]

    def raw(self, group: str) -> list[RawField]:
        """Returns the features' values without tables."""
        return [
            RawField(feature.name, self._features[feature.name], feature.rows)
            for feature in self._embeddings.groups[group]
        ]

    def _note(
        self, group: str, group_features: Sequence[Feature], vectors: list[tf.Tensor]
    ) -> None:
        pairs = zip(group_features, vectors, strict=True)
        self.vectors[group] = [vector for feature, vector in pairs if feature.has_table]


class ExampleGroups:
    """Groups of example rows, from which a backbone infers shapes.

    Args:
      groups: group → its features.
      rows: B.
    """

    def __init__(self, groups: FeatureGroups, rows: int):
        self._groups = groups
        self._rows = rows
        self._padded = EXAMPLE_STEPS

    def fields(self, group: str) -> list[tf.Tensor]:
        """Returns zeros [B, D_f].

        Raises:
          ConfigError: a feature stays a sequence.
        """
        for feature in self._groups[group]:
            if feature.stays_sequence:
                raise feature.error(
                    "a sequence has no single vector",
                    "sequence_combiner",
                    remedy="set sequence_combiner, or read the group by an input_layer with "
                    "output_seq_and_normal_feature",
                )
        return [tf.zeros([self._rows, feature.width]) for feature in self._groups[group]]

    def sequences(self, group: str) -> Sequences:
        """Returns zeros: sequences of `EXAMPLE_STEPS` steps, and [B, D_f]."""
        members = self._groups[group]
        parts = [
            (tf.zeros([self._rows, EXAMPLE_STEPS, feature.dim]), tf.ones([self._rows], tf.int64))
            for feature in members
            if feature.stays_sequence
        ]
        others = [feature for feature in members if not feature.stays_sequence]
        fields = [tf.zeros([self._rows, feature.width]) for feature in others]
        return join_sequences(group, parts, fields)

    def raw(self, group: str) -> list[RawField]:
        """Returns values of no ids, and zeros."""
        return [
            RawField(feature.name, self._value(feature), feature.rows, self._padded)
            for feature in self._groups[group]
        ]

    def _value(self, feature: Feature) -> FeatureValue:
        ids = tf.zeros([self._rows], tf.int64)
        ragged = tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int64), ids)
        if feature.stays_sequence:
            return Steps(ragged)
        if not feature.reads_ids:
            return Dense(tf.zeros([self._rows, feature.dim]))
        return Ids(ids) if feature.spec.one_id else Bags(ragged)


class RandomGroups(ExampleGroups):
    """Groups of example rows with random values, the same for any padding.

    Args:
      groups: group → its features.
      lengths: of the rows' sequences.
      padded: L, at most `EXAMPLE_STEPS`.
    """

    def __init__(self, groups: FeatureGroups, lengths: Sequence[int], padded: int):
        super().__init__(groups, len(lengths))
        self._lengths = tf.constant(lengths, tf.int64)
        self._padded = max(padded, 1)

    def fields(self, group: str) -> list[tf.Tensor]:
        """Returns random vectors [B, D_f]."""
        return _random(super().fields(group))

    def sequences(self, group: str) -> Sequences:
        """Returns random sequences [B, L, ΣD], zero from the end of each row on, and [B, D_f]."""
        steps, _, fields = super().sequences(group)
        real = tf.sequence_mask(self._lengths, self._padded, tf.float32)
        steps = _random([steps])[0][:, : self._padded] * real[:, :, None]
        return Sequences(steps, self._lengths, _random(fields))

    def _value(self, feature: Feature) -> FeatureValue:
        if not feature.stays_sequence or not feature.reads_ids:
            return super()._value(feature)
        count = int(tf.reduce_sum(self._lengths))
        ids = np.random.default_rng(7).integers(0, max(feature.rows, 1), count)
        return Steps(tf.RaggedTensor.from_row_lengths(tf.constant(ids, tf.int64), self._lengths))


def _random(values: list[tf.Tensor]) -> list[tf.Tensor]:
    rng = np.random.default_rng(7)
    return [tf.constant(rng.normal(size=value.shape), tf.float32) for value in values]


def join_sequences(
    group: str, parts: list[tuple[tf.Tensor, tf.Tensor]], fields: list[tf.Tensor]
) -> Sequences:
    """Returns sequences [B, L_k, D_k] joined step by step, padded to the longest one.

    L is 1 or more, so that layers give the same for empty rows alone and beside longer ones.

    Raises:
      ConfigError: there are none.
    """
    if not parts:
        message = f"output_seq_and_normal_feature: group {group!r} has no sequences"
        raise ConfigError(Problem(message, remedy="add a SequenceFeature without combiner"))
    longest = tf.reduce_max(tf.stack([1, *(tf.shape(steps)[1] for steps, _ in parts)]))
    padded = [
        tf.pad(steps, [[0, 0], [0, longest - tf.shape(steps)[1]], [0, 0]]) for steps, _ in parts
    ]
    joined = tf.concat(padded, axis=-1)
    width = sum(steps.shape[2] for steps, _ in parts)
    lengths = tf.reduce_max(tf.stack([length for _, length in parts]), axis=0)
    return Sequences(tf.ensure_shape(joined, [None, None, width]), lengths, fields)
