"""SeqAugment: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec, wrong
from easyrec_lite.checks.status import fields
from easyrec_lite.core.errors import Problem

RATES = ("mask_rate", "crop_rate", "reorder_rate")


@LAYERS.declare
class SeqAugmentSpec(LayerSpec):
    """A random change of each sequence, in training."""

    name = "SeqAugment"
    aliases = ("SequenceAugment",)
    module = "layer"
    message = "seq_aug"
    messages = {"SequenceAugment": fields(" ".join(RATES))}

    def rules(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """The rates are shares, and one of the changes is made."""
        for name in RATES:
            if not 0 <= arguments.get(name, 0) <= 1:
                yield wrong(name, "0 to 1", arguments[name])
        mask, crop, reorder = (
            arguments.get(name, default)
            for name, default in zip(RATES, (0.6, 0.2, 0.6), strict=True)
        )
        if mask == reorder == 0 and crop == 1:
            yield Problem(
                "sequences are not changed",
                severity="warning",
                expected="mask_rate or reorder_rate above 0, or crop_rate below 1",
                remedy="set one of them, or remove the layer",
            )
