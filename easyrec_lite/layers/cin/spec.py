"""CIN: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec
from easyrec_lite.checks.status import fields


@LAYERS.declare
class CINSpec(LayerSpec):
    """Explicit feature crosses, vector by vector."""

    name = "CIN"
    module = "layer"
    message = "cin"
    messages = {"CIN": fields("hidden_feature_sizes")}
    needs = ("hidden_feature_sizes",)
    positive = ("hidden_feature_sizes",)
