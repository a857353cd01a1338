"""Losses over pairs of vectors: what `check` knows of them."""

from __future__ import annotations

from easyrec_lite.checks.specs.loss import LOSSES, LossSpec
from easyrec_lite.checks.status import fields


@LOSSES.declare
class CircleSpec(LossSpec):
    """Pulls positive pairs to similarity 1 and negative ones to 0, the farther the stronger."""

    name = "CIRCLE_LOSS"
    module = "loss"
    message = "circle_loss"
    scored = "vectors"
    messages = {"CircleLoss": fields("margin gamma")}


@LOSSES.declare
class MultiSimilaritySpec(LossSpec):
    """Weights each pair by its own similarity and by those of the anchor's other pairs."""

    name = "MULTI_SIMILARITY_LOSS"
    module = "loss"
    message = "multi_simi_loss"
    scored = "vectors"
    messages = {
        "MultiSimilarityLoss": fields(
            "alpha beta lamb", warned={"eps": "all pairs count; there is no selection by a margin"}
        )
    }
