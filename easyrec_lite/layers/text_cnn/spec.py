"""TextCNN: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec, wrong
from easyrec_lite.checks.status import fields
from easyrec_lite.core.errors import Problem
from easyrec_lite.layers.mlp.spec import MLPSpec


@LAYERS.declare
class TextCNNSpec(LayerSpec):
    """Convolutions of several widths over a sequence."""

    name = "TextCNN"
    module = "layer"
    message = "text_cnn"
    messages = {"TextCNN": fields("filter_sizes num_filters pad_sequence_length activation mlp")}
    needs = ("filter_sizes", "num_filters", "pad_sequence_length")
    positive = needs
    parts = {"mlp": MLPSpec}

    def rules(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """Each width of filters has a number of them, and fits into the sequence."""
        sizes, numbers = arguments["filter_sizes"], arguments["num_filters"]
        if len(sizes) != len(numbers):
            yield wrong(
                "num_filters", f"{len(sizes)} numbers, one for each of filter_sizes", numbers
            )
        if 0 < arguments["pad_sequence_length"] < max(sizes):
            longest = f"{arguments['pad_sequence_length']} or less, as pad_sequence_length"
            yield wrong("filter_sizes", longest, sizes)
