"""AuxiliaryLoss: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec, wrong
from easyrec_lite.core.errors import Problem


@LAYERS.declare
class AuxiliaryLossSpec(LayerSpec):
    """A loss that compares two vectors of each row."""

    name = "AuxiliaryLoss"
    module = "layer"
    gives_loss = True
    needs = ("loss_type",)
    choices = {"loss_type": ("l2_loss", "info_nce", "nce_loss")}

    def loss_name(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Returns the name of the layer with the loss's type."""
        return f"{name}_{str(arguments['loss_type']).lower().removesuffix('_loss')}_loss"

    def rules(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """Weight and temperature are positive."""
        for name in ("loss_weight", "temperature"):
            if arguments.get(name, 1) <= 0:
                yield wrong(name, "a positive number", arguments[name])
