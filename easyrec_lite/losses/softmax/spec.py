"""The softmax over a batch's candidates: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.checks.status import fields
from easyrec_lite.losses.softmax.candidate_spec import BLOCK_COPIES, CandidateLossSpec


@LOSSES.declare
class SoftmaxSpec(CandidateLossSpec):
    """The cross-entropy of each row's positive among the batch's items and the sampled ones."""

    name = "SOFTMAX_CROSS_ENTROPY"
    module = "objective"
    copies = BLOCK_COPIES
    corrects_positive = True
    messages = {
        "SoftmaxOptions": fields(
            "item_id mask_false_negatives logq logq_of_positive logq_rate logq_buckets "
            "learn_temperature min_temperature hardest_negatives cross_replica_negatives"
        )
    }

    def shown(self, name: str) -> str:
        """Returns EasyRec's name for it."""
        return "cross_entropy_loss"
