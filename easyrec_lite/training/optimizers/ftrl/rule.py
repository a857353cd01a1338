"""FTRL: how it moves a variable."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.checks.specs.optimizer import OPTIMIZERS
from easyrec_lite.protos.messages import FtrlOptimizer
from easyrec_lite.training.update_rule import KernelRule, Slots, UpdateRule


class Ftrl(KernelRule):
    """Follow the regularised leader, per coordinate, with L1, L2 and shrinkage L2.

    Source: McMahan et al., Ad Click Prediction: a View from the Trenches, KDD 2013.
    """

    apply = tf.raw_ops.ResourceApplyFtrlV2
    apply_rows = tf.raw_ops.ResourceSparseApplyFtrlV2

    def __init__(
        self, initial_accumulator: float, power: float, l1: float, l2: float, shrinkage: float
    ):
        self.slots = {"accumulator": initial_accumulator, "linear": 0.0}
        self.power, self.l1, self.l2, self.shrinkage = power, l1, l2, shrinkage

    def arguments(self, slots: Slots) -> dict[str, Any]:
        """Returns the accumulators and the constants."""
        return {
            "accum": slots["accumulator"].handle,
            "linear": slots["linear"].handle,
            "l1": self.l1,
            "l2": self.l2,
            "l2_shrinkage": self.shrinkage,
            "lr_power": self.power,
        }


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
