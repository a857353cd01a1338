"""MLP and DNN: what `check` knows of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec, wrong
from easyrec_lite.checks.status import fields
from easyrec_lite.core.errors import Problem


@LAYERS.declare
class MLPSpec(LayerSpec):
    """Dense layers, each with batch norm, activation and dropout."""

    name = "MLP"
    module = "layer"
    message = "mlp"
    messages = {
        "DNN": fields("hidden_units dropout_ratio activation use_bn"),
        "MLP": fields(
            "hidden_units dropout_ratio activation use_bn use_final_bn final_activation use_bias "
            "initializer use_bn_after_activation use_final_bias",
            warned={"add_to_outputs": "the outputs of a model are its scores and tower vectors"},
        ),
    }
    needs = ("hidden_units",)
    positive = ("hidden_units",)
    shares = ("dropout_ratio",)

    def rules(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """Dropout ratios are as many as layers, or one for all."""
        ratios, layers = arguments.get("dropout_ratio", []), len(arguments["hidden_units"])
        if len(ratios) not in (0, 1, layers):
            yield wrong("dropout_ratio", f"none, one, or {layers} as hidden_units", len(ratios))
