"""Adagrad: how it moves a variable."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.checks.specs.optimizer import OPTIMIZERS
from easyrec_lite.protos.messages import AdagradOptimizer
from easyrec_lite.training.update_rule import Slots, UpdateRule


class Adagrad(UpdateRule):
    """`a ← a + g²`, `w ← w − rate·g/√a`.

    Source: Duchi et al., Adaptive Subgradient Methods, JMLR 2011.
    """

    def __init__(self, initial_accumulator: float):
        self.slots = {"accumulator": initial_accumulator}

    def dense(
        self, variable: tf.Variable, slots: Slots, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the whole of `variable`."""
        tf.raw_ops.ResourceApplyAdagrad(
            var=variable.handle, accum=slots["accumulator"].handle, lr=rate, grad=gradient
        )

    def by_rows(
        self, variable: tf.Variable, slots: Slots, rows: Any, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the `rows`."""
        tf.raw_ops.ResourceSparseApplyAdagrad(
            var=variable.handle,
            accum=slots["accumulator"].handle,
            lr=rate,
            grad=gradient,
            indices=rows,
        )


@OPTIMIZERS.implement("adagrad_optimizer")
def adagrad(params: AdagradOptimizer) -> UpdateRule:
    """Returns the rule of the optimiser's message."""
    return Adagrad(params.initial_accumulator_value)
