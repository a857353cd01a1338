"""The layers of Keras: what `check` knows of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec
from easyrec_lite.checks.status import fields
from easyrec_lite.core.errors import Problem
from easyrec_lite.layers.seeds import derive_seed

# Layer classes of keras.layers that work on tensors inside a graph, by name.
_NAMES = """
    Activation ActivityRegularization Add AdditiveAttention AlphaDropout Average AveragePooling1D
    AveragePooling2D BatchNormalization Concatenate Conv1D Conv2D Cropping1D Dense
    DepthwiseConv1D Dot Dropout ELU EinsumDense Flatten GRU GaussianDropout GaussianNoise
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D
    GroupNormalization GroupQueryAttention Identity LSTM LayerNormalization LeakyReLU Masking
    MaxPooling1D MaxPooling2D Maximum Minimum Multiply PReLU Permute ReLU RepeatVector Reshape
    SeparableConv1D SimpleRNN Softmax SpatialDropout1D Subtract UnitNormalization UpSampling1D
    ZeroPadding1D
"""
NAMES = _NAMES.split()


@LAYERS.declare
class KerasLayersSpec(LayerSpec):
    """Classes of `keras.layers`, their parameters in `st_params`."""

    name = NAMES[0]
    aliases = tuple(NAMES[1:])
    module = "layer"
    message = "st_params"
    messages = {"KerasLayer": fields("class_name")}
    masked = (
        *("AdditiveAttention", "GRU", "GlobalAveragePooling1D", "GlobalMaxPooling1D", "LSTM"),
        *("SimpleRNN", "Softmax"),
    )
    takes_more = False

    def seed(self, seed: int, name: str) -> int:
        """Returns a seed derived from the layer's name, because Keras uses it unchanged."""
        return derive_seed(seed, name)

    def check(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """Refuses messages among the parameters: Keras would deserialise them to objects.

        Deserialising imports the module that the message names, which a config must not cause.
        """
        for name, value in arguments.items():
            if _holds_message(value):
                yield Problem(
                    f"parameter {name!r} is a message",
                    path=name,
                    expected="numbers, strings, booleans and lists of them",
                    remedy="name the object by a string, such as 'he_normal'",
                )


def _holds_message(value: Any) -> bool:
    if isinstance(value, list):
        return any(_holds_message(item) for item in value)
    return isinstance(value, dict)
