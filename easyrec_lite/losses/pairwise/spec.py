"""Losses over pairs of rows: what `check` knows of them."""

from __future__ import annotations

from easyrec_lite.checks.specs.loss import LOSSES, LossSpec
from easyrec_lite.checks.status import fields


@LOSSES.declare
class PairwiseSpec(LossSpec):
    """RankNet's loss with a margin."""

    name = "PAIR_WISE_LOSS"
    module = "loss"
    message = "pairwise_loss"
    mixed_name = "pairwise_loss"
    messages = {"PairwiseLoss": fields("margin session_name temperature")}


@LOSSES.declare
class PairwiseLogisticSpec(LossSpec):
    """The logistic loss of a pair's difference."""

    name = "PAIRWISE_LOGISTIC_LOSS"
    module = "loss"
    message = "pairwise_logistic_loss"
    messages = {
        "PairwiseLogisticLoss": fields(
            "temperature session_name hinge_margin ohem_ratio use_label_margin"
        )
    }


@LOSSES.declare
class PairwiseFocalSpec(LossSpec):
    """The logistic loss that weighs pairs less the better they are ordered."""

    name = "PAIRWISE_FOCAL_LOSS"
    module = "loss"
    message = "pairwise_focal_loss"
    messages = {
        "PairwiseFocalLoss": fields("gamma alpha hinge_margin session_name ohem_ratio temperature")
    }


@LOSSES.declare
class PairwiseHingeSpec(LossSpec):
    """The hinge loss of a pair's difference."""

    name = "PAIRWISE_HINGE_LOSS"
    module = "loss"
    message = "pairwise_hinge_loss"
    messages = {
        "PairwiseHingeLoss": fields(
            "temperature session_name margin ohem_ratio label_is_logits use_label_margin",
            refused={"use_exponent": ("the exponential form is not implemented", "leave it out")},
        )
    }
