"""From `keras_layer` messages to layers."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import pytest
import tensorflow as tf
from google.protobuf import text_format

from easyrec_lite.checks import layers
from easyrec_lite.checks.fields import status
from easyrec_lite.checks.layers import check_layer
from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.config.pipeline import ConfigSource, Pipeline
from easyrec_lite.core.errors import ConfigError, Place
from easyrec_lite.layers.batch_norm import BatchNorm
from easyrec_lite.layers.build import build_layer, kernels
from easyrec_lite.protos.messages import EasyRecConfig, KerasLayer
from tests.layers import own

PIPELINE = Pipeline(
    EasyRecConfig(), ConfigSource("my.config", "", {"layer": Place("my.config", 4, 2)})
)


def message(text: str) -> Any:
    return text_format.Parse(text, KerasLayer())


def built(text: str) -> keras.layers.Layer:
    problems = list(check_layer(message(text), PIPELINE, "layer"))
    if problems:
        raise ConfigError(problems)
    return build_layer(message(text), "x", PIPELINE, "layer", seed=3)


def test_fields_become_arguments_lists_and_dicts() -> None:
    text = """class_name: "FiBiNet" fibinet {
      senet { reduction_ratio: 3 } mlp { hidden_units: [4, 2] dropout_ratio: 0.5 } }"""
    assert layers.arguments(message(text)) == {
        "senet": {
            "reduction_ratio": 3,
            "num_squeeze_group": 2,
            "use_skip_connection": True,
            "use_output_layer_norm": True,
        },
        "mlp": {
            "hidden_units": [4, 2],
            "dropout_ratio": [0.5],
            "activation": "relu",
            "use_bn": True,
            "use_final_bn": True,
            "final_activation": "relu",
            "use_bias": False,
            "initializer": "he_uniform",
            "use_final_bias": False,
        },
    }


def test_struct_becomes_plain_values_whole_floats_ints() -> None:
    text = """class_name: "C" st_params {
      fields { key: "units" value { number_value: 3 } }
      fields { key: "rate" value { number_value: 0.5 } }
      fields { key: "on" value { bool_value: true } }
      fields { key: "nothing" value { null_value: NULL_VALUE } }
      fields { key: "shape" value { list_value {
        values { number_value: -1 } values { string_value: "a" } } } }
      fields { key: "inner" value { struct_value {
        fields { key: "k" value { number_value: 2 } } } } } }"""
    found = layers.arguments(message(text))
    assert found == {
        "units": 3,
        "rate": 0.5,
        "on": True,
        "nothing": None,
        "shape": [-1, "a"],
        "inner": {"k": 2},
    }
    assert isinstance(found["units"], int)


ENOUGH = {
    "MLP": "mlp { hidden_units: 3 }",
    "CIN": "cin { hidden_feature_sizes: 3 }",
    "FiBiNet": "fibinet { senet {} bilinear { num_output_units: 2 } }",
    "MaskBlock": "mask_block { aggregation_size: 2 }",
    "MaskNet": "masknet { mask_blocks { aggregation_size: 2 } mlp { hidden_units: 2 } }",
    "Highway": "highway { emb_size: 2 }",
    "Gate": "gate { mlp { hidden_units: 2 } }",
    "PeriodicEmbedding": "periodic_embedding { embedding_dim: 2 sigma: 0.1 }",
    "AutoDisEmbedding": "auto_dis_embedding { embedding_dim: 2 num_bins: 2 temperature: 1 }",
    "NaryDisEmbedding": "nary_dis_embedding { embedding_dim: 2 carries: 2 }",
    "MultiHeadAttention": "multi_head_attention { num_heads: 2 key_dim: 2 }",
    "TextCNN": "text_cnn { filter_sizes: 2 num_filters: 2 pad_sequence_length: 3 }",
    "Attention": "attention {}",
    **dict.fromkeys(("SeqAugment", "SequenceAugment"), "seq_aug {}"),
    "MMoE": "mmoe { num_task: 1 num_expert: 1 expert_mlp { hidden_units: 1 } }",
    "AITMTower": "aitm { transfer_mlp { hidden_units: 1 } }",
    "PPNet": "ppnet { mlp { hidden_units: 1 } gate_params { hidden_dim: 1 } }",
    "AuxiliaryLoss": """st_params { fields { key: "loss_type"
      value { string_value: "info_nce" } } }""",
    "DIN": "din { attention_dnn { hidden_units: 1 } }",
    "BST": "bst { hidden_size: 2 num_hidden_layers: 1 num_attention_heads: 1 "
    "intermediate_size: 2 }",
    **{
        name: f"transformer {{ {text} num_hidden_layers: 1 intermediate_size: 2 vocab_size: 2 }}"
        for name in ("TransformerBlock", "TransformerEncoder")
        for text in ("hidden_size: 2 num_attention_heads: 1",)
    },
    "TextEncoder": "text_encoder { transformer { hidden_size: 2 num_attention_heads: 1 "
    "num_hidden_layers: 1 intermediate_size: 2 vocab_size: 2 } }",
    "SENet": "senet {}",
    "FM": "fm { use_variant: true }",
    "BiLinear": "bilinear { num_output_units: 2 }",
    "Bilinear": "bilinear { num_output_units: 2 }",
    "Cross": "",
    "DotInteraction": "",
}


@pytest.mark.parametrize("class_name", own.names())
def test_every_layer_of_ours_is_made_from_its_message(class_name: str) -> None:
    layer = built(f'class_name: "{class_name}" {ENOUGH[class_name]}')
    assert isinstance(layer, keras.layers.Layer)
    assert layer.name == "x"


@pytest.mark.parametrize("class_name", own.names())
def test_constructors_take_every_implemented_field(class_name: str) -> None:
    field = LAYERS.spec(class_name).message
    if not field:
        return
    params = KerasLayer.DESCRIPTOR.fields_by_name[field].message_type
    parameters = inspect.signature(LAYERS.get(class_name)).parameters
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()):
        return
    known = set(parameters)
    fields = {
        each.name for each in params.fields if status(params.name, each.name).kind == "implemented"
    }
    assert fields <= known


@pytest.mark.parametrize("class_name", own.KERAS)
def test_every_listed_keras_layer_exists(class_name: str) -> None:
    assert issubclass(getattr(keras.layers, class_name), keras.layers.Layer)


def test_a_layer_of_keras_gets_a_seed_of_its_name() -> None:
    text = (
        """class_name: "Dropout" st_params { fields { key: "rate" value { number_value: 0.5 } } }"""
    )
    first, again = built(text), built(text)
    other = build_layer(message(text), "y", PIPELINE, "layer", seed=3)
    assert first.seed == again.seed != other.seed


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ('class_name: "Dens"', "nearest:  Dense"),
        ('class_name: "Lambda"', "unknown keras_layer class_name 'Lambda'"),
        ('class_name: "MLP" fm {}', "does not take its parameters from fm"),
        ('class_name: "Cross" mlp { hidden_units: 2 }', "expected: st_params"),
        ('class_name: "MLP"', "with hidden_units"),
        ('class_name: "MLP" mlp { hidden_units: [2, 2] activation: "rely" }', "nearest:  relu"),
        ('class_name: "MLP" mlp { hidden_units: 2 initializer: "he" }', "unknown initializer"),
        ('class_name: "MLP" mlp { dropout_ratio: 0.1 }', "hidden_units"),
        ('class_name: "Dense"', "units"),
        (
            'class_name: "Dense" st_params { fields { key: "units" value { number_value: 2 } } '
            'fields { key: "activation" value { struct_value { fields { key: "module" value '
            '{ string_value: "os" } } } } } }',
            "'activation' is a message",
        ),
        (
            'class_name: "Dropout" st_params { fields { key: "rate" value { number_value: 2 } } }',
            "Dropout 'x'",
        ),
    ],
)
def test_refuses(text: str, piece: str) -> None:
    with pytest.raises(ConfigError) as caught:
        built(text)
    assert piece in str(caught.value)
    assert "my.config:4:2" in str(caught.value)


def test_kernels_are_the_layers_own_or_what_keras_calls_so() -> None:
    senet = built('class_name: "SENet" senet {}')
    senet.build([(None, 4), (None, 4)])
    assert [kernel.path for kernel in kernels(senet)] == ["x/reduce/kernel"]
    lstm = built(
        'class_name: "LSTM" st_params { fields { key: "units" value { number_value: 2 } } }'
    )
    lstm.build((None, 3, 4))
    assert sorted(kernel.name for kernel in kernels(lstm)) == ["kernel", "recurrent_kernel"]
    assert kernels(built('class_name: "FM"')) == []


def test_batch_norm_is_the_one_that_knows_of_replicas() -> None:
    text = """class_name: "BatchNormalization" st_params {
      fields { key: "momentum" value { number_value: 0.5 } } }"""
    layer = built(text)
    assert isinstance(layer, BatchNorm)
    layer(tf.constant([[1.0], [3.0]]), training=True)
    assert layer.moving_mean.numpy() == pytest.approx([1.0])
    with pytest.raises(ConfigError, match="unknown parameter 'momentun'"):
        built(text.replace("momentum", "momentun"))
