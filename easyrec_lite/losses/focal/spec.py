"""Focal loss: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.loss import LOSSES, LossSpec
from easyrec_lite.checks.status import fields


@LOSSES.declare
class FocalLossSpec(LossSpec):
    """Cross-entropy that weighs rows less the better they are predicted."""

    name = "BINARY_FOCAL_LOSS"
    module = "loss"
    message = "binary_focal_loss"
    messages = {"BinaryFocalLoss": fields("gamma alpha ohem_ratio label_smoothing")}
    teacher = "probability"
    labels = (0.0, 1.0)
