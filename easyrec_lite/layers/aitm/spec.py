"""AITMTower: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec
from easyrec_lite.checks.status import fields
from easyrec_lite.layers.mlp.spec import MLPSpec


@LAYERS.declare
class AITMTowerSpec(LayerSpec):
    """A vector that reads those of earlier tasks by attention."""

    name = "AITMTower"
    module = "layer"
    message = "aitm"
    messages = {"AITMTower": fields("project_dim transfer_mlp stop_gradient")}
    parts = {"transfer_mlp": MLPSpec}
