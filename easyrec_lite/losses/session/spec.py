"""Losses over the rows of a session: what `check` knows of them."""

from __future__ import annotations

from easyrec_lite.checks.specs.loss import LOSSES, LossSpec
from easyrec_lite.checks.status import fields

TRANSFORMED = {
    "transform_fn scale_logits": (
        "labels and scores are compared as they are",
        "leave it out; transform the labels in the data",
    )
}


@LOSSES.declare
class ListwiseRankSpec(LossSpec):
    """The cross-entropy of a session's scores against its labels (ListNet)."""

    name = "LISTWISE_RANK_LOSS"
    module = "loss"
    message = "listwise_rank_loss"
    messages = {
        "ListwiseRankLoss": fields("temperature session_name label_is_logits", refused=TRANSFORMED)
    }


@LOSSES.declare
class ListwiseDistillSpec(LossSpec):
    """The cross-entropy of a session's scores against a teacher's."""

    name = "LISTWISE_DISTILL_LOSS"
    module = "loss"
    message = "listwise_distill_loss"
    messages = {
        "ListwiseDistillLoss": fields(
            "temperature session_name label_clip_max_value", refused=TRANSFORMED
        )
    }
