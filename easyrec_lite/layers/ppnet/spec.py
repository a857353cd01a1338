"""PPNet: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec
from easyrec_lite.checks.status import fields
from easyrec_lite.layers.mlp.spec import MLPSpec


class GateSpec(LayerSpec):
    """A gate of PPNet."""

    name = "GateNN"
    messages = {"GateNN": fields("output_dim hidden_dim activation use_bn dropout_rate")}
    shares = ("dropout_rate",)


@LAYERS.declare
class PPNetSpec(LayerSpec):
    """Dense layers, scaled by gates that read other features."""

    name = "PPNet"
    module = "layer"
    message = "ppnet"
    messages = {
        "PPNet": fields("mlp gate_params mode full_gate_input"),
        **GateSpec.messages,
    }
    needs = ("mlp",)
    choices = {"mode": ("eager", "lazy")}
    parts = {"mlp": MLPSpec, "gate_params": GateSpec}
