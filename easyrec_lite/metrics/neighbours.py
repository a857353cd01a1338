"""The nearest rows of each row of a batch."""

from __future__ import annotations

import tensorflow as tf


def nearest_rows(similarities: tf.Tensor, k: int, among: tf.Tensor | None = None) -> tf.Tensor:
    """Returns the k nearest rows of each row, int32 [B, K], the nearest first; K is B at most.

    Of equal ones the first comes first. The row itself comes last, and rows that are not `among`
    those that count after all others.

    Args:
      similarities: float32 [B, B].
      k: how many.
      among: bool [B, B], or None for all rows but the row itself.
    """
    if among is None:
        among = ~tf.eye(tf.shape(similarities)[0], dtype=tf.bool)
    scores = tf.where(among, similarities, similarities.dtype.min)
    return tf.math.top_k(scores, tf.minimum(k, tf.shape(scores)[1])).indices
