"""KL divergence: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.loss import LOSSES, LossSpec


@LOSSES.declare
class BernoulliDivergenceSpec(LossSpec):
    """The divergence of a predicted probability from a label that is one."""

    name = "KL_DIVERGENCE_LOSS"
    module = "loss"
    teacher = "probability"
    labels = (0.0, 1.0)
