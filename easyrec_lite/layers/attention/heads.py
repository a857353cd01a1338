"""The heads of an attention: H parts of each step's vector."""

from __future__ import annotations

import tensorflow as tf


def split_heads(steps: tf.Tensor, heads: int) -> tf.Tensor:
    """Returns steps [B, L, D] as [B, H, L, D / H], H being `heads`.

    Example:
      >>> split_heads(tf.zeros([2, 5, 8]), 4).shape.as_list()
      [2, 4, 5, 2]
    """
    shape = tf.shape(steps)
    parts = tf.reshape(steps, [shape[0], shape[1], heads, steps.shape[-1] // heads])
    return tf.transpose(parts, [0, 2, 1, 3])


def join_heads(parts: tf.Tensor) -> tf.Tensor:
    """Returns [B, H, L, D / H], as `split_heads` gives them, as steps [B, L, D]."""
    steps = tf.transpose(parts, [0, 2, 1, 3])
    shape = tf.shape(steps)
    return tf.reshape(steps, [shape[0], shape[1], parts.shape[1] * parts.shape[3]])
