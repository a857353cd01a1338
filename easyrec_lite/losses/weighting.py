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


def smoothed(labels: tf.Tensor, smoothing: float) -> tf.Tensor:
    """Returns labels moved towards 1/2: `y (1 − s) + s/2`."""
    return labels * (1.0 - smoothing) + 0.5 * smoothing


def hardest_mean(values: tf.Tensor, weights: tf.Tensor | None, ratio: float) -> tf.Tensor:
    """Returns the mean of the largest `ratio` of weighted losses [M] that are above 0, as EasyRec.

    Online hard example mining (https://arxiv.org/abs/1604.03540). round(ratio · M) of them count, a
    half to the even number. Gives 0 when there are none; the weighted mean when `ratio` is 1.
    """
    if ratio >= 1.0:
        return mean_by_nonzero_weights(values, weights)
    weighted = values if weights is None else weights * values
    count = tf.cast(tf.math.round(tf.cast(tf.size(values), tf.float32) * ratio), tf.int32)
    top = tf.math.top_k(weighted, count).values
    positive = tf.math.count_nonzero(top > 0, dtype=tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(tf.nn.relu(top)), positive)
