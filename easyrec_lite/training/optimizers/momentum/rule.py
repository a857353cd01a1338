"""Momentum: how it moves a variable."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.checks.specs.optimizer import OPTIMIZERS
from easyrec_lite.protos.messages import MomentumOptimizer, MomentumWOptimizer
from easyrec_lite.training.update_rule import Slots, UpdateRule, with_weight_decay


class Momentum(UpdateRule):
    """`a ← μa + g`, `w ← w − rate·a`."""

    slots = {"momentum": 0.0}  # noqa: RUF012

    def __init__(self, momentum: float):
        self.momentum = momentum

    def dense(
        self, variable: tf.Variable, slots: Slots, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the whole of `variable`."""
        tf.raw_ops.ResourceApplyMomentum(
            var=variable.handle,
            accum=slots["momentum"].handle,
            lr=rate,
            grad=gradient,
            momentum=self.momentum,
        )

    def by_rows(
        self, variable: tf.Variable, slots: Slots, rows: Any, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the `rows`; others keep their velocity and stay."""
        tf.raw_ops.ResourceSparseApplyMomentum(
            var=variable.handle,
            accum=slots["momentum"].handle,
            lr=rate,
            grad=gradient,
            indices=rows,
            momentum=self.momentum,
        )


@OPTIMIZERS.implement("momentum_optimizer", "momentumw_optimizer")
def momentum(params: MomentumOptimizer | MomentumWOptimizer) -> UpdateRule:
    """Returns the rule of the optimiser's message."""
    return with_weight_decay(Momentum(params.momentum_optimizer_value), params)
