"""Cross-entropy reweighted by the F measure of the batch."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.scores import Scores
from easyrec_lite.losses.weighting import mean_by_nonzero_weights, smoothed
from easyrec_lite.protos.messages import F1ReweighedLoss


@LOSSES.implement("F1_REWEIGHTED_LOSS")
def f1_reweighted_loss(scores: Scores, params: F1ReweighedLoss) -> tf.Tensor:
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
