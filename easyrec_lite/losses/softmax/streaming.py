"""Streaming estimate of how often items come up, as variables that training updates.

Yi et al., Sampling-bias-corrected neural modeling for large corpus item recommendations, RecSys
2019, algorithm 2.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from easyrec_lite.core import replicas


class StreamingFrequency:
    """Estimates the share of rows with an item from the rows that pass between two of them.

    For a hash bucket of ids: δ ← δ + r·(t − a − δ), a ← t, where t counts rows, a is the row of
    the last occurrence, and the share is 1/δ. A batch that holds a bucket c times counts as c
    occurrences at equal distances since a. The first occurrences are averaged alike, until one
    weighs less than the rate, so that the estimate does not depend on where it starts.

    Args:
      buckets: the number of hash buckets; ids that share one count as one.
      rate: r, the weight of a new interval against those before.

    Attributes:
      variables: its state.
    """

    def __init__(self, buckets: int, rate: float):
        self._rate = rate
        self._buckets = buckets
        self._rows = _state("logq_rows", [], "int64")
        self._last = _state("logq_last_row", [buckets], "int64")
        self._interval = _state("logq_interval", [buckets], "float32")
        self._seen = _state("logq_occurrences", [buckets], "float32")
        self.variables = [self._rows, self._last, self._interval, self._seen]

    def update(self, ids: tf.Tensor) -> None:
        """Takes in the item ids of a batch, of all replicas: [B] strings or integers."""
        taken_in = replicas.gathered(self._bucket(ids))
        buckets, _, counts = tf.unique_with_counts(taken_in)
        count = tf.cast(counts, tf.float32)
        now = self._rows.value + tf.size(taken_in, tf.int64)
        passed = tf.cast(now - tf.gather(self._last.value, buckets), tf.float32) / count
        seen = tf.gather(self._seen.value, buckets) + count
        weight = tf.maximum(1.0 - tf.pow(1.0 - self._rate, count), count / seen)
        before = tf.gather(self._interval.value, buckets)
        _write(self._interval, buckets, before + weight * (passed - before))
        _write(self._last, buckets, tf.fill(tf.shape(buckets), now))
        _write(self._seen, buckets, seen)
        self._rows.value.assign(now)

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns float32 [R], the share of rows with each id; one row if it never came up."""
        buckets = self._bucket(ids)
        rows = tf.cast(tf.maximum(self._rows.value, 1), tf.float32)
        known = tf.gather(self._seen.value, buckets) > 0
        return 1.0 / tf.where(known, tf.gather(self._interval.value, buckets), rows)

    def _bucket(self, ids: tf.Tensor) -> tf.Tensor:
        text = ids if ids.dtype == tf.string else tf.strings.as_string(ids)
        return tf.strings.to_hash_bucket_fast(text, self._buckets)


def _state(name: str, shape: list[int], dtype: str) -> keras.Variable:
    return keras.Variable(tf.zeros(shape, dtype), dtype=dtype, trainable=False, name=name)


def _write(variable: keras.Variable, buckets: tf.Tensor, values: tf.Tensor) -> None:
    variable.value.scatter_nd_update(buckets[:, None], values)
