"""SENet: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec
from easyrec_lite.checks.status import fields


@LAYERS.declare
class SENetSpec(LayerSpec):
    """Fields weighted by their importance."""

    name = "SENet"
    module = "layer"
    message = "senet"
    messages = {
        "SENet": fields(
            "reduction_ratio num_squeeze_group use_skip_connection use_output_layer_norm"
        )
    }
    positive = ("reduction_ratio", "num_squeeze_group")
