"""BiLinear: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec
from easyrec_lite.checks.status import fields


@LAYERS.declare
class BiLinearSpec(LayerSpec):
    """Products of pairs of fields with a learned matrix between them."""

    name = "BiLinear"
    aliases = ("Bilinear",)
    module = "layer"
    message = "bilinear"
    messages = {"Bilinear": fields("type use_plus num_output_units")}
    choices = {"type": ("interaction", "all", "each")}
