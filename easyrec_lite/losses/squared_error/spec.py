"""Squared errors: what `check` knows of them."""

from __future__ import annotations

from easyrec_lite.checks.specs.loss import LOSSES, LossSpec


@LOSSES.declare
class SquaredErrorSpec(LossSpec):
    """The squared error of a logit: regression."""

    name = "L2_LOSS"
    module = "loss"
    prediction = "logit"
    teacher = "regression"


@LOSSES.declare
class SigmoidSquaredErrorSpec(LossSpec):
    """The squared error of the sigmoid of a logit."""

    name = "SIGMOID_L2_LOSS"
    module = "loss"
    prediction = "sigmoid"
    teacher = "probability"
