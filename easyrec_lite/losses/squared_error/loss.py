"""Squared errors of logits and of their sigmoids."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.scores import Scores
from easyrec_lite.losses.weighting import mean_by_nonzero_weights


@LOSSES.implement("L2_LOSS")
def squared_error(scores: Scores, _: Any) -> tf.Tensor:
    """Computes `(y − logit)²`."""
    return mean_by_nonzero_weights(
        tf.math.squared_difference(scores.labels, scores.logits), scores.weights
    )


@LOSSES.implement("SIGMOID_L2_LOSS")
def sigmoid_squared_error(scores: Scores, _: Any) -> tf.Tensor:
    """Computes `(y − sigmoid(logit))²`."""
    return squared_error(scores._replace(logits=tf.sigmoid(scores.logits)), None)
