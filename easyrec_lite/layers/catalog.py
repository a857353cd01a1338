"""What can be checked of a `keras_layer` message without TensorFlow, and its arguments.

The convention for all layers: a class is made with the fields of its message (or of `st_params`)
as keyword arguments, lists for repeated fields and dicts for messages, plus `name` and, if the
class takes it, `seed`. Fields that are not set and have no default are left to the class.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from easyrec_lite.checks import fields
from easyrec_lite.config.pipeline import Pipeline
from easyrec_lite.core.errors import Problem, nearest
from easyrec_lite.layers.registry import LAYERS

# The message that holds each class's parameters; every class takes st_params too.
_MESSAGES = {
    "MLP": "mlp",
    "SENet": "senet",
    "FM": "fm",
    "CIN": "cin",
    "BiLinear": "bilinear",
    "Bilinear": "bilinear",
    "FiBiNet": "fibinet",
    "MaskBlock": "mask_block",
    "MaskNet": "masknet",
    "Highway": "highway",
    "Gate": "gate",
    "PeriodicEmbedding": "periodic_embedding",
    "AutoDisEmbedding": "auto_dis_embedding",
    "NaryDisEmbedding": "nary_dis_embedding",
    "Attention": "attention",
    "MultiHeadAttention": "multi_head_attention",
    "TextCNN": "text_cnn",
    "Cross": "",
    "DotInteraction": "",
}
_OWN_NEED = {
    "MLP": "hidden_units",
    "CIN": "hidden_feature_sizes",
    "FiBiNet": "senet",
    "MaskBlock": "aggregation_size or reduction_factor",
    "MaskNet": "mask_blocks",
    "Highway": "emb_size",
    "PeriodicEmbedding": "embedding_dim and sigma",
    "AutoDisEmbedding": "embedding_dim, num_bins and temperature",
    "NaryDisEmbedding": "embedding_dim and carries",
    "MultiHeadAttention": "num_heads and key_dim",
    "TextCNN": "filter_sizes, num_filters and pad_sequence_length",
}
# Layer classes of keras.layers that work on tensors inside a graph, by name.
_KERAS_NAMES = """
    Activation ActivityRegularization Add AdditiveAttention AlphaDropout Average AveragePooling1D
    AveragePooling2D BatchNormalization Concatenate Conv1D Conv2D Cropping1D Dense
    DepthwiseConv1D Dot Dropout ELU EinsumDense Flatten GRU GaussianDropout GaussianNoise
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D
    GroupNormalization GroupQueryAttention Identity LSTM LayerNormalization LeakyReLU Masking
    MaxPooling1D MaxPooling2D Maximum Minimum Multiply PReLU Permute ReLU RepeatVector Reshape
    SeparableConv1D SimpleRNN Softmax SpatialDropout1D Subtract UnitNormalization UpSampling1D
    ZeroPadding1D
"""
KERAS_LAYERS = frozenset(_KERAS_NAMES.split())


def known_layers() -> list[str]:
    """Returns every class name that a config may use, sorted."""
    return sorted({*LAYERS.names(), *KERAS_LAYERS})


def check_layer(message: Any, pipeline: Pipeline, path: str) -> Iterator[Problem]:
    """Yields what is wrong with a `KerasLayer` message at config path `path`."""
    name, given = message.class_name, message.WhichOneof("params")
    if name not in LAYERS and name not in KERAS_LAYERS:
        yield Problem(
            f"unknown layer class {name!r}",
            place=pipeline.place(f"{path}.class_name"),
            path=f"{path}.class_name",
            expected="one of " + ", ".join(known_layers()),
            found=repr(name),
            nearest=nearest(name, known_layers()),
            remedy="use a known class, or register your own in a module named with --import",
        )
        return
    if name not in LAYERS:
        yield from _check_plain(message, pipeline, path)
    wanted = "" if name in KERAS_LAYERS and name not in LAYERS else _MESSAGES.get(name)
    if given not in (None, "st_params", wanted) and wanted is not None:
        yield Problem(
            f"{name} does not take its parameters from {given}",
            place=pipeline.place(f"{path}.{given}"),
            path=f"{path}.{given}",
            expected=" or ".join(part for part in (wanted, "st_params") if part),
            found=given,
        )
    if given is None and name in _OWN_NEED:
        yield Problem(
            f"{name} has no parameters",
            place=pipeline.place(path),
            path=path,
            expected=f"{wanted} {{…}} with {_OWN_NEED[name]}",
        )


def _check_plain(message: Any, pipeline: Pipeline, path: str) -> Iterator[Problem]:
    """Yields problems for messages among a Keras class's parameters: Keras makes objects of them.

    It imports the modules that such a message names: a config must not be able to ask for that.
    """
    for name, value in plain(message.st_params).items():
        if _holds_message(value):
            yield Problem(
                f"parameter {name!r} is a message",
                place=pipeline.place(f"{path}.st_params"),
                path=f"{path}.st_params",
                expected="numbers, strings, booleans and lists of them",
                remedy="name the object by a string, such as 'he_normal'",
            )


def _holds_message(value: Any) -> bool:
    if isinstance(value, list):
        return any(_holds_message(item) for item in value)
    return isinstance(value, dict)


def arguments(message: Any) -> dict[str, Any]:
    """Returns the keyword arguments that a `KerasLayer` message holds."""
    given = message.WhichOneof("params")
    if given is None:
        return {}
    params = getattr(message, given)
    return plain(params) if given == "st_params" else fields_of(params)


def fields_of(message: Any) -> dict[str, Any]:
    """Returns the fields of a schema message that are implemented, set or with a default."""
    found: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        known = field.has_default_value or field.name in {
            each.name for each, _ in message.ListFields()
        }
        if known and fields.status(message.DESCRIPTOR.name, field.name).kind == "implemented":
            convert = fields_of if field.message_type else _same
            value = getattr(message, field.name)
            repeated = isinstance(field.default_value, list)
            found[field.name] = [convert(item) for item in value] if repeated else convert(value)
    return found


def _same(value: Any) -> Any:
    return value


def plain(struct: Any) -> dict[str, Any]:
    """Returns a `google.protobuf.Struct` as a dict; whole floats become ints."""
    return {key: _plain_value(value) for key, value in struct.fields.items()}


def _plain_value(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return plain(value.struct_value)
    if kind == "list_value":
        return [_plain_value(item) for item in value.list_value.values]
    if kind == "number_value" and value.number_value.is_integer():
        return int(value.number_value)
    return None if kind in (None, "null_value") else getattr(value, kind)
