"""Adagrad: how it moves a variable."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.checks.specs.optimizer import OPTIMIZERS
from easyrec_lite.protos.messages import AdagradOptimizer
from easyrec_lite.training.update_rule import KernelRule, Slots, UpdateRule


class Adagrad(KernelRule):
    """`a ← a + g²`, `w ← w − rate·g/√a`.

    Source: Duchi et al., Adaptive Subgradient Methods, JMLR 2011.
    """

    apply = tf.raw_ops.ResourceApplyAdagrad
    apply_rows = tf.raw_ops.ResourceSparseApplyAdagrad

    def __init__(self, initial_accumulator: float):
        self.slots = {"accumulator": initial_accumulator}

    def arguments(self, slots: Slots) -> dict[str, Any]:
        """Returns the accumulators and the constants."""
        return {"accum": slots["accumulator"].handle}


@OPTIMIZERS.implement("adagrad_optimizer")
def adagrad(params: AdagradOptimizer) -> UpdateRule:
    """Returns the rule of the optimiser's message."""
    return Adagrad(params.initial_accumulator_value)
