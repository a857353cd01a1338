"""Focal loss."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.scores import Scores
from easyrec_lite.losses.weighting import hardest_mean, smoothed
from easyrec_lite.protos.messages import BinaryFocalLoss


@LOSSES.implement("BINARY_FOCAL_LOSS")
def binary_focal_loss(scores: Scores, params: BinaryFocalLoss) -> tf.Tensor:
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
