"""KL divergence between Bernoulli distributions."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.scores import Scores
from easyrec_lite.losses.weighting import mean_by_nonzero_weights


@LOSSES.implement("KL_DIVERGENCE_LOSS")
def bernoulli_divergence(scores: Scores, _: Any) -> tf.Tensor:
    """Computes `KL(Bernoulli(y) ‖ Bernoulli(sigmoid(logit)))`, labels being probabilities."""
    labels = scores.labels
    entropy = -tf.math.xlogy(labels, labels) - tf.math.xlogy(1.0 - labels, 1.0 - labels)
    values = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=scores.logits)
    return mean_by_nonzero_weights(values - entropy, scores.weights)
