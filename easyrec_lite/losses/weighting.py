"""How the losses of rows become one number, with sample weights."""

from __future__ import annotations

import tensorflow as tf


def weight_shares(weights: tf.Tensor | None, rows: tf.Tensor) -> tf.Tensor:
    """Returns float32 [B] `w_i / Σ w`: what each row counts in a weighted mean; 0s if Σ w is 0."""
    weights = tf.ones([rows]) if weights is None else weights
    return tf.math.divide_no_nan(weights, tf.reduce_sum(weights))


def weighted_mean(values: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
    """Returns `Σ w·v / Σ w` over [B], a scalar; listwise models weight their losses so."""
    return tf.reduce_sum(values * weight_shares(weights, tf.shape(values)[0]))


def mean_by_nonzero_weights(values: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
    """Returns `Σ w·v / |{w ≠ 0}|` over [B], a scalar; pointwise losses are weighted so."""
    if weights is None:
        return weighted_mean(values, None)
    count = tf.math.count_nonzero(weights, dtype=values.dtype)
    return tf.math.divide_no_nan(tf.reduce_sum(weights * values), count)
