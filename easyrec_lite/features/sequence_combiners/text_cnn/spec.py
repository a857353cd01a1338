"""Convolutions over the steps: what `check` knows of them."""

from __future__ import annotations

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.layers import fields_of
from easyrec_lite.checks.specs.feature import SEQUENCE_COMBINERS, Problems, SequenceCombinerSpec
from easyrec_lite.checks.view import View
from easyrec_lite.layers.text_cnn.spec import TextCNNSpec


@SEQUENCE_COMBINERS.declare
class TextCnnPoolingSpec(SequenceCombinerSpec):
    """The largest responses of filters over the steps, by the layer TextCNN."""

    name = "text_cnn"
    module = "combiner"
    message = "text_cnn"

    def width(self, feature: Feature) -> int:
        """Returns the last width of its MLP, else the number of its filters."""
        config = feature.config.sequence_combiner.text_cnn
        return int([0, *config.mlp.hidden_units][-1] or sum(config.num_filters))

    def check(self, view: View, feature: Feature) -> Problems:
        """Its parameters are those of the layer."""
        config = feature.config.sequence_combiner.text_cnn
        path = f"{feature.path}.sequence_combiner.text_cnn"
        yield from TextCNNSpec().check_at(fields_of(config), view.pipeline, path)
