"""Momentum: how it moves a variable."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.checks.specs.optimizer import OPTIMIZERS
from easyrec_lite.protos.messages import MomentumOptimizer, MomentumWOptimizer
from easyrec_lite.training.update_rule import KernelRule, Slots, UpdateRule, with_weight_decay


class Momentum(KernelRule):
    """`a ← μa + g`, `w ← w − rate·a`."""

    apply = tf.raw_ops.ResourceApplyMomentum
    apply_rows = tf.raw_ops.ResourceSparseApplyMomentum
    slots = {"momentum": 0.0}  # noqa: RUF012

    def __init__(self, momentum: float):
        self.momentum = momentum

    def arguments(self, slots: Slots) -> dict[str, Any]:
        """Returns the accumulators and the constants."""
        return {"accum": slots["momentum"].handle, "momentum": self.momentum}


@OPTIMIZERS.implement("momentum_optimizer", "momentumw_optimizer")
def momentum(params: MomentumOptimizer | MomentumWOptimizer) -> UpdateRule:
    """Returns the rule of the optimiser's message."""
    return with_weight_decay(Momentum(params.momentum_optimizer_value), params)
