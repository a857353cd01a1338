"""RMSProp: how it moves a variable."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.checks.specs.optimizer import OPTIMIZERS
from easyrec_lite.protos.messages import RMSPropOptimizer
from easyrec_lite.training.update_rule import KernelRule, Slots, UpdateRule


class RMSProp(KernelRule):
    """`s ← δs + (1−δ)g²`, `a ← μa + rate·g/√(s + ε)`, `w ← w − a`; s starts at 1.

    Source: Tieleman and Hinton, lecture 6.5 of Neural Networks for Machine Learning.
    """

    apply = tf.raw_ops.ResourceApplyRMSProp
    apply_rows = tf.raw_ops.ResourceSparseApplyRMSProp
    slots = {"rms": 1.0, "momentum": 0.0}  # noqa: RUF012

    def __init__(self, decay: float, momentum: float, epsilon: float):
        self.decay, self.momentum, self.epsilon = decay, momentum, epsilon

    def arguments(self, slots: Slots) -> dict[str, Any]:
        """Returns the accumulators and the constants."""
        return {
            "ms": slots["rms"].handle,
            "mom": slots["momentum"].handle,
            "rho": self.decay,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
        }


@OPTIMIZERS.implement("rms_prop_optimizer")
def rms_prop(params: RMSPropOptimizer) -> UpdateRule:
    """Returns the rule of the optimiser's message."""
    return RMSProp(params.decay, params.momentum_optimizer_value, params.epsilon)
