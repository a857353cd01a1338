"""What a backbone reads: the feature groups' vectors, sequences and raw values of some rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import tensorflow as tf

from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.data.rows.values import Bags, Dense, FeatureValue, Ids, Steps
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.features.specs import FeatureSpec
from easyrec_lite.models.backbone.embedding_layer import RawField

# So many steps that a drawing can tell the length of a sequence from other sizes.
EXAMPLE_STEPS = 61
Specs = Mapping[str, tuple[FeatureSpec, ...]]


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


def is_sequence(spec: FeatureSpec) -> bool:
    """Returns whether a feature stays a sequence: it has no `sequence_combiner`."""
    return spec.kind == "SequenceFeature" and not spec.sequence_combiner


class EmbeddedGroups:
    """The groups of a batch, looked up once each.

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
            found = self._embeddings(group, self._features, self._training)
            self._fields[group] = [
                tf.ensure_shape(field, [None, width])
                for field, width in zip(found, widths, strict=True)
            ]
            self._note(group, self._embeddings.groups[group], self._fields[group])
        return self._fields[group]

    def sequences(self, group: str) -> Sequences:
        """Returns the sequences joined, [B, L, ΣD] and lengths [B], and the other vectors."""
        if group not in self._read:
            specs = self._embeddings.groups[group]
            kept = [spec for spec in specs if is_sequence(spec)]
            parts = [self._embeddings.sequence(group, spec.name, self._features) for spec in kept]
            others = [spec for spec in specs if not is_sequence(spec)]
            names = [spec.name for spec in others]
            fields = self._embeddings(group, self._features, self._training, only=names)
            self._read[group] = join_sequences(group, parts, fields)
            self._note(group, [*kept, *others], [steps for steps, _ in parts] + fields)
        return self._read[group]

    def raw(self, group: str) -> list[RawField]:
        """Returns the features' values without tables."""
        return [
            RawField(spec.name, self._features[spec.name], spec.rows)
            for spec in self._embeddings.groups[group]
        ]

    def _note(self, group: str, specs: Sequence[FeatureSpec], vectors: list[tf.Tensor]) -> None:
        pairs = zip(specs, vectors, strict=True)
        self.vectors[group] = [vector for spec, vector in pairs if spec.rows]


class ExampleGroups:
    """Groups of made-up rows, by which a backbone finds out shapes.

    Args:
      specs: group → its features.
      rows: B.
    """

    def __init__(self, specs: Specs, rows: int):
        self._specs = specs
        self._rows = rows

    def fields(self, group: str) -> list[tf.Tensor]:
        """Returns zeros [B, D_f].

        Raises:
          ConfigError: a feature stays a sequence.
        """
        for spec in self._specs[group]:
            if is_sequence(spec):
                raise spec.error(
                    "a sequence has no single vector",
                    "sequence_combiner",
                    remedy="set sequence_combiner, or read the group by an input_layer with "
                    "output_seq_and_normal_feature",
                )
        return [tf.zeros([self._rows, spec.width]) for spec in self._specs[group]]

    def sequences(self, group: str) -> Sequences:
        """Returns zeros: sequences of `EXAMPLE_STEPS` steps, and [B, D_f]."""
        specs = self._specs[group]
        parts = [
            (tf.zeros([self._rows, EXAMPLE_STEPS, spec.dim]), tf.ones([self._rows], tf.int64))
            for spec in specs
            if is_sequence(spec)
        ]
        others = [spec for spec in specs if not is_sequence(spec)]
        fields = [tf.zeros([self._rows, spec.width]) for spec in others]
        return join_sequences(group, parts, fields)

    def raw(self, group: str) -> list[RawField]:
        """Returns values of no ids, and zeros."""
        return [RawField(spec.name, self._value(spec), spec.rows) for spec in self._specs[group]]

    def _value(self, spec: FeatureSpec) -> FeatureValue:
        ids = tf.zeros([self._rows], tf.int64)
        ragged = tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int64), ids)
        if is_sequence(spec):
            return Steps(ragged)
        if not spec.reads_ids:
            return Dense(tf.zeros([self._rows, spec.dim]))
        return Ids(ids) if spec.kind == "IdFeature" else Bags(ragged)


def join_sequences(
    group: str, parts: list[tuple[tf.Tensor, tf.Tensor]], fields: list[tf.Tensor]
) -> Sequences:
    """Returns sequences [B, L_k, D_k] joined step by step, padded to the longest.

    Raises:
      ConfigError: there are none.
    """
    if not parts:
        message = f"output_seq_and_normal_feature: group {group!r} has no sequences"
        raise ConfigError(Problem(message, remedy="add a SequenceFeature without combiner"))
    longest = tf.reduce_max(tf.stack([tf.shape(steps)[1] for steps, _ in parts]))
    padded = [
        tf.pad(steps, [[0, 0], [0, longest - tf.shape(steps)[1]], [0, 0]]) for steps, _ in parts
    ]
    joined = tf.concat(padded, axis=-1)
    width = sum(steps.shape[2] for steps, _ in parts)
    lengths = tf.reduce_max(tf.stack([length for _, length in parts]), axis=0)
    return Sequences(tf.ensure_shape(joined, [None, None, width]), lengths, fields)
