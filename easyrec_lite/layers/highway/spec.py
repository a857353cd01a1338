"""Highway: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec
from easyrec_lite.checks.status import fields


@LAYERS.declare
class HighwaySpec(LayerSpec):
    """A learned gate mixes the output of each layer with its input."""

    name = "Highway"
    module = "layer"
    message = "highway"
    messages = {
        "HighWayTower": fields(
            "emb_size activation dropout_rate init_gate_bias num_layers",
            warned={"input": "a layer's input is its block's"},
        )
    }
    needs = ("emb_size",)
    positive = ("emb_size",)
    shares = ("dropout_rate",)
