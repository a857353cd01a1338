"""Losses of one score and one label a row; each `(Scores, parameters) → scalar`."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.losses.scores import LOSSES, Scores
from easyrec_lite.losses.weighting import mean_by_nonzero_weights


@LOSSES.register("CLASSIFICATION")
@LOSSES.register("CROSS_ENTROPY_LOSS")
@LOSSES.register("BINARY_CROSS_ENTROPY_LOSS")
def sigmoid_cross_entropy(scores: Scores, _: Any) -> tf.Tensor:
    """Computes `−y log p − (1 − y) log(1 − p)`, `p = sigmoid(logit)`; labels may be soft."""
    values = tf.nn.sigmoid_cross_entropy_with_logits(labels=scores.labels, logits=scores.logits)
    return mean_by_nonzero_weights(values, scores.weights)


@LOSSES.register("L2_LOSS")
def squared_error(scores: Scores, _: Any) -> tf.Tensor:
    """Computes `(y − logit)²`."""
    return mean_by_nonzero_weights(
        tf.math.squared_difference(scores.labels, scores.logits), scores.weights
    )


@LOSSES.register("SIGMOID_L2_LOSS")
def sigmoid_squared_error(scores: Scores, _: Any) -> tf.Tensor:
    """Computes `(y − sigmoid(logit))²`."""
    return squared_error(scores._replace(logits=tf.sigmoid(scores.logits)), None)


@LOSSES.register("KL_DIVERGENCE_LOSS")
def bernoulli_divergence(scores: Scores, _: Any) -> tf.Tensor:
    """Computes `KL(Bernoulli(y) ‖ Bernoulli(sigmoid(logit)))`, labels being probabilities."""
    labels = scores.labels
    entropy = -tf.math.xlogy(labels, labels) - tf.math.xlogy(1.0 - labels, 1.0 - labels)
    values = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=scores.logits)
    return mean_by_nonzero_weights(values - entropy, scores.weights)
