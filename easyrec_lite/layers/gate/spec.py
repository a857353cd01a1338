"""Gate: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec
from easyrec_lite.checks.status import fields
from easyrec_lite.layers.mlp.spec import MLPSpec


@LAYERS.declare
class GateSpec(LayerSpec):
    """A weighted sum of inputs; one of the inputs holds the weights."""

    name = "Gate"
    module = "layer"
    message = "gate"
    messages = {"WeightedGate": fields("weight_index mlp")}
    parts = {"mlp": MLPSpec}
