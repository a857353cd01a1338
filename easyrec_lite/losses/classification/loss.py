"""Sigmoid cross-entropy."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.scores import Scores
from easyrec_lite.losses.weighting import mean_by_nonzero_weights


@LOSSES.implement("CLASSIFICATION", "CROSS_ENTROPY_LOSS", "BINARY_CROSS_ENTROPY_LOSS")
def sigmoid_cross_entropy(scores: Scores, _: Any) -> tf.Tensor:
    """Computes `−y log p − (1 − y) log(1 − p)`, `p = sigmoid(logit)`; labels may be soft."""
    values = tf.nn.sigmoid_cross_entropy_with_logits(labels=scores.labels, logits=scores.logits)
    return mean_by_nonzero_weights(values, scores.weights)
