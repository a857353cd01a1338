"""FTRL: how it moves a variable."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.checks.specs.optimizer import OPTIMIZERS
from easyrec_lite.protos.messages import FtrlOptimizer
from easyrec_lite.training.update_rule import Slots, UpdateRule


class Ftrl(UpdateRule):
    """Follow the regularised leader, per coordinate, with L1, L2 and shrinkage L2.

    Source: McMahan et al., Ad Click Prediction: a View from the Trenches, KDD 2013.
    """

    def __init__(
        self, initial_accumulator: float, power: float, l1: float, l2: float, shrinkage: float
    ):
        self.slots = {"accumulator": initial_accumulator, "linear": 0.0}
        self.power, self.l1, self.l2, self.shrinkage = power, l1, l2, shrinkage

    def _arguments(self, variable: tf.Variable, slots: Slots, gradient: Any, rate: Any) -> dict:
        return {
            "var": variable.handle,
            "accum": slots["accumulator"].handle,
            "linear": slots["linear"].handle,
            "grad": gradient,
            "lr": rate,
            "l1": self.l1,
            "l2": self.l2,
            "l2_shrinkage": self.shrinkage,
            "lr_power": self.power,
        }

    def dense(
        self, variable: tf.Variable, slots: Slots, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the whole of `variable`."""
        tf.raw_ops.ResourceApplyFtrlV2(**self._arguments(variable, slots, gradient, rate))

    def by_rows(
        self, variable: tf.Variable, slots: Slots, rows: Any, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the `rows`."""
        arguments = self._arguments(variable, slots, gradient, rate)
        tf.raw_ops.ResourceSparseApplyFtrlV2(indices=rows, **arguments)


@OPTIMIZERS.implement("ftrl_optimizer")
def ftrl(params: FtrlOptimizer) -> UpdateRule:
    """Returns the rule of the optimiser's message."""
    return Ftrl(
        params.initial_accumulator_value,
        params.learning_rate_power,
        params.l1_reg,
        params.l2_reg,
        params.l2_shrinkage_reg,
    )
