"""DotInteraction: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec


@LAYERS.declare
class DotInteractionSpec(LayerSpec):
    """Inner products of all pairs of fields; its parameters stand in `st_params`."""

    name = "DotInteraction"
    module = "layer"
