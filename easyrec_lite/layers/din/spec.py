"""DIN: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec, SequenceInput, wrong
from easyrec_lite.checks.status import fields
from easyrec_lite.core.errors import Problem
from easyrec_lite.layers.mlp.spec import MLPSpec


@LAYERS.declare
class DINSpec(LayerSpec):
    """The steps of a sequence, weighted by their similarity to a target."""

    name = "DIN"
    masked = ("DIN",)
    module = "layer"
    message = "din"
    messages = {"DINEncoder": fields("attention_dnn need_target_feature attention_normalizer")}
    needs = ("attention_dnn",)
    choices = {"attention_normalizer": ("softmax", "sigmoid")}
    parts = {"attention_dnn": MLPSpec}

    def rules(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """The network gives one score a step."""
        units = arguments["attention_dnn"].get("hidden_units", [])
        if units and units[-1] != 1:
            yield wrong("attention_dnn.hidden_units", "1 as the last one: a score", units)

    def reads(self, arguments: Mapping[str, Any], read: SequenceInput) -> Iterator[Problem]:
        """There is a target, no wider than the sequence."""
        if read.target_width == 0:
            yield Problem(
                f"group {read.group!r} gives no target",
                expected="a feature that is no sequence, such as the user's latest item",
                remedy="add the feature to the group, or use BST, which needs no target",
            )
        elif read.target_width > read.width:
            yield Problem(
                f"the target of group {read.group!r} is wider than its sequence",
                expected=f"{read.width} or less, the width of the sequences joined",
                found=str(read.target_width),
                remedy="leave features out of the target, or give them a smaller embedding_dim",
            )
