"""Cross-entropy with rows reweighted: focal loss and F1 reweighting."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.losses.scores import LOSSES, Scores
from easyrec_lite.losses.weighting import mean_by_nonzero_weights


@LOSSES.register("BINARY_FOCAL_LOSS")
def binary_focal_loss(scores: Scores, params: Any) -> tf.Tensor:
    """Computes `α_t (1 − p_t)^γ · cross-entropy`, p_t the probability of the label.

    `params` (`BinaryFocalLoss`): gamma; alpha, the weight of positives (negatives have 1 − α);
    ohem_ratio, the share of rows with the largest losses that count; label_smoothing.
    From https://arxiv.org/abs/1708.02002.
    """
    labels = smoothed(scores.labels, params.label_smoothing)
    probabilities = tf.sigmoid(scores.logits)
    right = labels * probabilities + (1.0 - labels) * (1.0 - probabilities)
    values = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=scores.logits)
    values *= tf.pow(1.0 - right, params.gamma)
    if params.HasField("alpha"):
        values *= labels * params.alpha + (1.0 - labels) * (1.0 - params.alpha)
    return hardest_mean(values, scores.weights, params.ohem_ratio)


@LOSSES.register("F1_REWEIGHTED_LOSS")
def f1_reweighted_loss(scores: Scores, params: Any) -> tf.Tensor:
    """Computes cross-entropy with negatives weighted by the F measure that the batch reaches.

    A negative weighs `TP / (β² · positives + negatives)` with TP = Σ y·p, taken as a constant; a
    positive weighs 1. `params` (`F1ReweighedLoss`): f1_beta_square β², label_smoothing.
    """
    probabilities = tf.stop_gradient(tf.sigmoid(scores.logits))
    positives = tf.reduce_sum(scores.labels)
    negatives = tf.cast(tf.size(scores.labels), tf.float32) - positives
    true_positives = tf.reduce_sum(scores.labels * probabilities)
    negative_weight = tf.math.divide_no_nan(
        true_positives, params.f1_beta_square * positives + negatives
    )
    labels = smoothed(scores.labels, params.label_smoothing)
    values = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=scores.logits)
    values *= tf.where(scores.labels > 0, 1.0, negative_weight)
    return mean_by_nonzero_weights(values, scores.weights)


def smoothed(labels: tf.Tensor, smoothing: float) -> tf.Tensor:
    """Returns labels moved towards 1/2: `y (1 − s) + s/2`."""
    return labels * (1.0 - smoothing) + 0.5 * smoothing


def hardest_mean(values: tf.Tensor, weights: tf.Tensor | None, ratio: float) -> tf.Tensor:
    """Returns the weighted mean of the largest `ratio` of losses [M], at least one of them.

    Online hard example mining (https://arxiv.org/abs/1604.03540). Gives 0 when there are none.
    """
    if ratio >= 1.0:
        return mean_by_nonzero_weights(values, weights)
    count = tf.size(values)
    kept = tf.cast(tf.math.ceil(tf.cast(count, tf.float32) * ratio), tf.int32)
    kept = tf.minimum(tf.maximum(kept, 1), count)
    top = tf.math.top_k(values, kept)
    chosen = None if weights is None else tf.gather(weights, top.indices)
    return mean_by_nonzero_weights(top.values, chosen)
