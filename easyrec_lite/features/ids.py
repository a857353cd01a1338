"""Values to ids: by hash, as the integer itself, or by position in a vocabulary."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf

from easyrec_lite.checks.features import Feature
from easyrec_lite.features import columns

MISSING = -1
UNKNOWN = -2


class IdSource(tf.Module):
    """Values of any type [N] → int64 ids [N]; −1 for an empty text, 0 for an unknown value."""

    def __init__(self, feature: Feature):
        super().__init__()
        self.feature = feature

    def find(self, values: tf.Tensor) -> tf.Tensor:
        """Returns ids int64 [N]; `MISSING` for an empty text, `UNKNOWN` where there is no id."""
        raise TypeError(f"{type(self).__name__} has no ids of its own")

    def __call__(self, values: tf.Tensor) -> tf.Tensor:
        """Returns ids int64 [N]."""
        ids = self.find(values)
        return tf.where(ids == UNKNOWN, tf.zeros_like(ids), ids)

    def of_pieces(self, values: tf.Tensor) -> tf.Tensor:
        """Returns ids int64 [N] ≥ 0; an empty text is a value as any other."""
        return tf.maximum(self.find(values), 0)

    def cells(self, values: tf.Tensor) -> Iterator[columns.Met]:
        """Yields what values [N] must be to be looked up at all, and which are, bool [N]."""
        yield from ()

    def unknown(self, values: tf.Tensor) -> tf.Tensor:
        """Returns which values [N] are unknown or out of range, bool [N]."""
        return self.find(values) == UNKNOWN


class Hashed(IdSource):
    """FarmHash Fingerprint64 of the text, modulo `hash_bucket_size`."""

    def find(self, values: tf.Tensor) -> tf.Tensor:
        """Returns ids int64 [N]; every text but the empty one has an id."""
        if values.dtype != tf.string:
            return self.of_pieces(values)
        return tf.where(values == "", tf.constant(MISSING, tf.int64), self.of_pieces(values))

    def __call__(self, values: tf.Tensor) -> tf.Tensor:
        """Returns ids int64 [N]."""
        return self.find(values)

    def of_pieces(self, values: tf.Tensor) -> tf.Tensor:
        """Returns ids int64 [N], also of an empty text."""
        texts = columns.text(self.feature, values)
        return tf.strings.to_hash_bucket_fast(texts, self.feature.config.hash_bucket_size)


class Identity(IdSource):
    """The integer itself, of `num_buckets`; any other is unknown.

    A number with decimals raises `InvalidArgumentError`.
    """

    def find(self, values: tf.Tensor) -> tf.Tensor:
        """Returns ids int64 [N]."""
        given = self._integers(values)
        inside = (given >= 0) & (given < self.feature.config.num_buckets)
        ids = tf.where(inside, given, tf.constant(UNKNOWN, tf.int64))
        if values.dtype != tf.string:
            return ids
        return tf.where(values == "", tf.constant(MISSING, tf.int64), ids)

    def cells(self, values: tf.Tensor) -> Iterator[columns.Met]:
        """Yields that values [N] must be whole numbers; nothing where their type says so."""
        if values.dtype == tf.string or values.dtype.is_floating:
            given, finite = columns.readable_numbers(self.feature, values, tf.float64)
            yield "num_buckets needs whole numbers", finite & (given == tf.floor(given))

    def _integers(self, values: tf.Tensor) -> tf.Tensor:
        if values.dtype.is_integer or values.dtype.is_bool:
            return tf.cast(values, tf.int64)
        # Texts are parsed as float64, which is exact up to 2**53; larger integers are out of range.
        given = columns.numbers(self.feature, values, tf.float64)
        message = f"feature {self.feature.name!r}: num_buckets needs whole numbers"
        with tf.control_dependencies([tf.debugging.assert_equal(given, tf.floor(given), message)]):
            return tf.cast(tf.clip_by_value(given, -1.0, 2.0**53), tf.int64)


class Vocabulary(IdSource):
    """The position of the text in `vocab_list` or `vocab_file`."""

    def __init__(self, feature: Feature):
        super().__init__(feature)
        tokens = tf.constant(feature.vocabulary, tf.string)
        positions = tf.range(tf.size(tokens, out_type=tf.int64))
        initializer = tf.lookup.KeyValueTensorInitializer(tokens, positions)
        self.positions = tf.lookup.StaticHashTable(initializer, UNKNOWN)

    def find(self, values: tf.Tensor) -> tf.Tensor:
        """Returns ids int64 [N]."""
        texts = columns.text(self.feature, values)
        ids = self.positions.lookup(texts)
        return tf.where(texts == "", tf.constant(MISSING, tf.int64), ids)


def id_source(feature: Feature) -> IdSource:
    """Returns the source of ids that the feature's config names."""
    config = feature.config
    if config.hash_bucket_size:
        return Hashed(feature)
    return Identity(feature) if config.num_buckets else Vocabulary(feature)
