"""The table of losses that `loss_type` can name, and what each of them is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from easyrec_lite.core.registry import Registry


class Scores(NamedTuple):
    """One score a row, as pointwise, pairwise and session losses see it.

    Attributes:
      logits: float32 [B] scores before any sigmoid.
      labels: float32 [B].
      weights: float32 [B] sample weights, or None.
      sessions: [B] session ids (any dtype); None means that the batch is one session.
    """

    logits: tf.Tensor
    labels: tf.Tensor
    weights: tf.Tensor | None = None
    sessions: tf.Tensor | None = None


LossFunction = Callable[[Scores, Any], tf.Tensor]

_MODULES = {
    "CLASSIFICATION": "classification.loss",
    "CROSS_ENTROPY_LOSS": "classification.loss",
    "BINARY_CROSS_ENTROPY_LOSS": "classification.loss",
    "L2_LOSS": "classification.loss",
    "SIGMOID_L2_LOSS": "classification.loss",
    "KL_DIVERGENCE_LOSS": "classification.loss",
    "F1_REWEIGHTED_LOSS": "focal.loss",
    "BINARY_FOCAL_LOSS": "focal.loss",
    "PAIR_WISE_LOSS": "pairwise.loss",
    "PAIRWISE_FOCAL_LOSS": "pairwise.loss",
    "PAIRWISE_LOGISTIC_LOSS": "pairwise.loss",
    "PAIRWISE_HINGE_LOSS": "pairwise.loss",
    "LISTWISE_RANK_LOSS": "session.loss",
    "LISTWISE_DISTILL_LOSS": "session.loss",
}

LOSSES: Registry[LossFunction] = Registry(
    "loss_type of a pointwise model",
    {name: f"easyrec_lite.losses.{module}" for name, module in _MODULES.items()},
)
