"""Adagrad: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.optimizer import OPTIMIZERS, OptimizerSpec
from easyrec_lite.checks.status import fields


@OPTIMIZERS.declare
class AdagradSpec(OptimizerSpec):
    """Scales each gradient by the sum of its squares."""

    name = message = "adagrad_optimizer"
    module = "rule"
    messages = {"AdagradOptimizer": fields("learning_rate initial_accumulator_value")}
    slots = ("accumulator",)
