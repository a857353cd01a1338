"""The decoupled contrastive loss: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.softmax.candidate_spec import CandidateLossSpec


@LOSSES.declare
class DecoupledContrastiveSpec(CandidateLossSpec):
    """The softmax without the positive in its denominator."""

    name = "DECOUPLED_CONTRASTIVE_LOSS"
    module = "loss"
