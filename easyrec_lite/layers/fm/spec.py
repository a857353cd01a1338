"""FM: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec
from easyrec_lite.checks.status import fields


@LAYERS.declare
class FMSpec(LayerSpec):
    """All pairwise products of fields, summed."""

    name = "FM"
    module = "layer"
    message = "fm"
    messages = {
        "FM": fields("use_variant", warned={"l2_regularization": "the layer has no weights"})
    }
