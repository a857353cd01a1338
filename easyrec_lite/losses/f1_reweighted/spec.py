"""F1-reweighted loss: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.loss import LOSSES, LossSpec
from easyrec_lite.checks.status import fields


@LOSSES.declare
class F1ReweightedSpec(LossSpec):
    """Cross-entropy whose negatives weigh what maximises the F measure."""

    name = "F1_REWEIGHTED_LOSS"
    module = "loss"
    message = "f1_reweighted_loss"
    messages = {"F1ReweighedLoss": fields("f1_beta_square label_smoothing")}
    teacher = "probability"
    labels = (0.0, 1.0)
