"""FTRL: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.optimizer import OPTIMIZERS, OptimizerSpec
from easyrec_lite.checks.status import fields


@OPTIMIZERS.declare
class FtrlSpec(OptimizerSpec):
    """Follows the regularised leader, per coordinate."""

    name = message = "ftrl_optimizer"
    module = "rule"
    messages = {
        "FtrlOptimizer": fields(
            "learning_rate learning_rate_power initial_accumulator_value l1_reg l2_reg "
            "l2_shrinkage_reg"
        )
    }
    slots = ("accumulator", "linear")
