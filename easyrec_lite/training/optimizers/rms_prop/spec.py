"""RMSProp: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.optimizer import OPTIMIZERS, OptimizerSpec
from easyrec_lite.checks.status import fields


@OPTIMIZERS.declare
class RMSPropSpec(OptimizerSpec):
    """Scales each gradient by a moving average of its size."""

    name = message = "rms_prop_optimizer"
    module = "rule"
    messages = {"RMSPropOptimizer": fields("learning_rate momentum_optimizer_value decay epsilon")}
    slots = ("rms", "momentum")
