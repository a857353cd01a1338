"""FiBiNet: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec
from easyrec_lite.checks.status import fields
from easyrec_lite.core.errors import Problem
from easyrec_lite.layers.bilinear.spec import BiLinearSpec
from easyrec_lite.layers.mlp.spec import MLPSpec
from easyrec_lite.layers.senet.spec import SENetSpec


@LAYERS.declare
class FiBiNetSpec(LayerSpec):
    """SENet beside bilinear products, then an MLP."""

    name = "FiBiNet"
    module = "layer"
    message = "fibinet"
    messages = {"FiBiNet": fields("bilinear senet mlp")}
    parts = {"senet": SENetSpec, "bilinear": BiLinearSpec, "mlp": MLPSpec}

    def rules(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """There is a SENet, which may be empty."""
        if "senet" not in arguments:
            yield Problem("senet is missing", expected="senet {…}", remedy="add senet {}")
