"""MaskBlock and MaskNet: what `check` knows of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec
from easyrec_lite.checks.status import fields
from easyrec_lite.core.errors import Problem
from easyrec_lite.layers.mlp.spec import MLPSpec


@LAYERS.declare
class MaskBlockSpec(LayerSpec):
    """A layer whose input is multiplied by a mask computed from the embeddings."""

    name = "MaskBlock"
    module = "block"
    message = "mask_block"
    messages = {
        "MaskBlock": fields(
            "reduction_factor output_size aggregation_size input_layer_norm projection_dim"
        )
    }

    def rules(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """The width inside the mask is given."""
        if not arguments.get("aggregation_size") and not arguments.get("reduction_factor"):
            yield Problem(
                "aggregation_size and reduction_factor are missing",
                expected="aggregation_size or reduction_factor",
                remedy="set one of them",
            )


@LAYERS.declare
class MaskNetSpec(LayerSpec):
    """Mask blocks side by side, or one after the other."""

    name = "MaskNet"
    module = "layer"
    message = "masknet"
    messages = {"MaskNet": fields("mask_blocks use_parallel mlp input_layer_norm")}
    needs = ("mask_blocks",)
    parts = {"mask_blocks": MaskBlockSpec, "mlp": MLPSpec}
