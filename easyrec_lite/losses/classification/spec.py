"""Sigmoid cross-entropy: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.loss import LOSSES, LossSpec


@LOSSES.declare
class ClassificationSpec(LossSpec):
    """Cross-entropy of one logit a row against a label of 0, 1 or a probability."""

    name = "CLASSIFICATION"
    aliases = ("CROSS_ENTROPY_LOSS", "BINARY_CROSS_ENTROPY_LOSS")
    module = "loss"
    teacher = "probability"
    labels = (0.0, 1.0)
    mixed_name = "sigmoid_loss"

    def shown(self, name: str) -> str:
        """Returns EasyRec's name: it logs `CLASSIFICATION` as `cross_entropy_loss`."""
        return "cross_entropy_loss" if name == self.name else super().shown(name)
