"""MMoE: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec
from easyrec_lite.checks.status import fields
from easyrec_lite.layers.mlp.spec import MLPSpec


@LAYERS.declare
class MMoESpec(LayerSpec):
    """Experts, mixed by a gate for each task."""

    name = "MMoE"
    module = "layer"
    message = "mmoe"
    messages = {"MMoELayer": fields("num_task expert_mlp num_expert")}
    needs = ("num_task", "num_expert")
    positive = needs
    parts = {"expert_mlp": MLPSpec}
