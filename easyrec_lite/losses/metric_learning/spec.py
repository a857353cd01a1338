"""Losses over pairs of vectors: what `check` knows of them."""

from __future__ import annotations

from easyrec_lite.checks.specs.loss import LOSSES, LossSpec
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import View

# Numbers of a pair of rows that are in memory at once, as fitted to `benchmarks.memory`.
PAIR_COPIES, FLOAT = 5, 4


class PairLossSpec(LossSpec):
    """A loss over all pairs of a batch's rows."""

    scored = "vectors"

    def memory(self, view: View) -> dict[str, int]:
        """Returns the bytes of the pairs."""
        return {"pairs of rows": view.data.batch_size**2 * PAIR_COPIES * FLOAT}


@LOSSES.declare
class CircleSpec(PairLossSpec):
    """Pulls positive pairs to similarity 1 and negative ones to 0, the farther the stronger."""

    name = "CIRCLE_LOSS"
    module = "loss"
    message = "circle_loss"
    messages = {"CircleLoss": fields("margin gamma")}


@LOSSES.declare
class MultiSimilaritySpec(PairLossSpec):
    """Weights each pair by its own similarity and by those of the anchor's other pairs."""

    name = "MULTI_SIMILARITY_LOSS"
    module = "loss"
    message = "multi_simi_loss"
    messages = {
        "MultiSimilarityLoss": fields(
            "alpha beta lamb", warned={"eps": "all pairs count; there is no selection by a margin"}
        )
    }
