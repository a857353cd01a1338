"""Padding is never read as data: a row alone equals the row beside longer ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.core.errors import ConfigError
from easyrec_lite.layers.batch_norm import BatchNorm
from easyrec_lite.models.backbone.compiled import CompiledBackbone
from easyrec_lite.models.backbone.groups import Sequences
from tests.models.backbone.building import Groups, compiled, problems

WIDTH, LENGTHS = 3, (0, 1, 4, 9)
SEQUENCE = """
blocks {
  name: "seq" inputs { feature_group_name: "history" }
  input_layer { output_seq_and_normal_feature: true }
}
"""


def layer(class_name: str, **params: Any) -> str:
    """Returns the text of a `keras_layer`."""

    def value(given: Any) -> str:
        kinds = {bool: "bool_value", str: "string_value"}
        shown = f'"{given}"' if isinstance(given, str) else str(given).lower()
        return f"{kinds.get(type(given), 'number_value')}: {shown}"

    fields = "".join(
        f'fields {{ key: "{name}" value {{ {value(given)} }} }}' for name, given in params.items()
    )
    return f'keras_layer {{ class_name: "{class_name}" st_params {{ {fields} }} }}'


def expression(text: str) -> str:
    return f'lambda {{ expression: "lambda x: {text}" }}'


def reading(*layers: str, part: str = "[0]") -> str:
    """Returns a backbone in which a block reads the sequence through `layers`."""
    steps = " ".join(f"layers {{ {each} }}" for each in layers)
    read = f'inputs {{ block_name: "seq" input_slice: "{part}" }}'
    return SEQUENCE + f'blocks {{ name: "read" {read} {steps} }}'


MEAN, MAX = layer("GlobalAveragePooling1D"), layer("GlobalMaxPooling1D")
MLP = 'keras_layer { class_name: "MLP" mlp { hidden_units: [4, 3] } }'
HEADS = (
    'keras_layer { class_name: "MultiHeadAttention" '
    "multi_head_attention { num_heads: 2 key_dim: 4 } }"
)
CAUSAL = HEADS.replace("key_dim: 4", "key_dim: 4 use_causal_mask: true")
ATTENTION = 'keras_layer { class_name: "Attention" attention { scale_by_dim: true } }'
CNN = (
    'keras_layer { class_name: "TextCNN" text_cnn { filter_sizes: [2, 3] num_filters: [4, 2] '
    "pad_sequence_length: 6 } }"
)
DIN = 'keras_layer { class_name: "DIN" din { attention_dnn { hidden_units: [4, 1] } } }'
SIGMOID = DIN.replace("} } }", '} attention_normalizer: "sigmoid" } }')
_SIZES = "hidden_size: 4 num_hidden_layers: 2 num_attention_heads: 2 intermediate_size: 5"
_DROP = "hidden_dropout_prob: 0 attention_probs_dropout_prob: 0"


def bst(more: str) -> str:
    """Returns a BST of 6 positions, fewer than the longest row has steps."""
    params = f"{_SIZES} {_DROP} max_position_embeddings: 6 {more}"
    return f'keras_layer {{ class_name: "BST" bst {{ {params} }} }}'


def transformer(class_name: str, more: str = "") -> str:
    """Returns a layer that reads the parameters of a transformer."""
    params = f"transformer {{ {_SIZES.replace('_size: 4', '_size: 6')} {_DROP} {more} }}"
    if class_name == "TextEncoder":
        params = f"text_encoder {{ {params} }}"
    return f'keras_layer {{ class_name: "{class_name}" {params} }}'


FIRST_TOKEN = "output_all_token_embeddings: false"
# A row's first step stands for its target.
WITH_TARGET = 'input_fn: "lambda x: [x[0], x[1], x[0][:, 0]]"'


def query(attention: str) -> str:
    """Returns a backbone in which a vector of the row attends to its sequence."""
    return f"""{SEQUENCE}
blocks {{ name: "query" inputs {{ feature_group_name: "ab" }}
  lambda {{ expression: "lambda x: tf.expand_dims(x[:, :3], 1)" }} }}
blocks {{ name: "read" inputs {{ block_name: "query" }}
  inputs {{ block_name: "seq" input_slice: "[0]" }} merge_inputs_into_list: true
  layers {{ {attention} }} layers {{ {expression("tf.squeeze(x, 1)")} }} }}
"""


RECURRENT = (
    "recurrent { num_steps: 2 keras_layer { class_name: 'GRU' st_params { "
    "fields { key: 'units' value { number_value: 3 } } "
    "fields { key: 'return_sequences' value { bool_value: true } } } } }"
)
REPEAT = (
    "repeat { num_repeat: 2 output_concat_axis: -1 input_fn: 'lambda x, i: x * (i + 1)' "
    "keras_layer { class_name: 'GRU' st_params { fields { key: 'units' "
    "value { number_value: 3 } } } } }"
)
READERS = {
    "gru": reading(layer("GRU", units=5)),
    "gru_backwards": reading(layer("GRU", units=5, go_backwards=True)),
    "gru_of_gru": reading(layer("GRU", units=5, return_sequences=True), layer("GRU", units=3)),
    "lstm": reading(layer("LSTM", units=5)),
    "rnn": reading(layer("SimpleRNN", units=5)),
    "mean": reading(MEAN),
    "max": reading(layer("Dense", units=4), MAX),
    "dense_bias_mean": reading(
        layer("Dense", units=4, bias_initializer="ones", activation="sigmoid"), MEAN
    ),
    "mlp": reading(MLP, MEAN),
    "norms": reading(layer("LayerNormalization"), layer("BatchNormalization"), MAX),
    "convolution": reading(layer("Conv1D", filters=4, kernel_size=3, padding="same"), MAX),
    "causal": reading(layer("Conv1D", filters=4, kernel_size=3, padding="causal"), MEAN),
    "attention": reading(ATTENTION, MEAN),
    "heads": reading(HEADS, MAX),
    "causal_heads": reading(CAUSAL, layer("GRU", units=3)),
    "attention_of_query": query(ATTENTION),
    "heads_of_query": query(HEADS),
    "additive_of_query": query(layer("AdditiveAttention")),
    "text_cnn": reading(CNN),
    "text_cnn_with_lengths": reading(CNN, part="[0:2]"),
    "din": reading(DIN, part=""),
    "din_by_sigmoid": reading(SIGMOID, part=""),
    "bst": reading(bst(""), part="[0:2]"),
    "bst_first": reading(bst(FIRST_TOKEN), part="[0:2]"),
    "bst_last": reading(bst(f'{FIRST_TOKEN} target_item_position: "tail"'), part="[0:2]"),
    "bst_with_target": reading(bst("")).replace('input_slice: "[0]"', WITH_TARGET),
    "bst_target_behind": reading(bst(f'{FIRST_TOKEN} target_item_position: "tail"')).replace(
        'input_slice: "[0]"', WITH_TARGET
    ),
    "transformer_block": reading(
        layer("Dense", units=6), transformer("TransformerBlock", "vocab_size: 1"), MEAN
    ),
    "softmax": reading(
        layer("Dense", units=1),
        layer("Softmax", axis=1),
        expression("tf.reduce_sum(x, axis=1)"),
    ),
    "recurrent": reading(RECURRENT, MEAN),
    "repeat": reading(REPEAT),
    "lambda_mean": reading(expression("tf.reduce_mean(x, axis=1)")),
    "lambda_mean_of_bias": reading(expression("x + 1.0"), expression("tf.reduce_mean(x, 1)")),
    "lambda_max": reading(expression("tf.reduce_max(x, axis=-2)")),
    "lambda_min": reading(expression("tf.math.reduce_min(x[0], axis=1)"), part="[0:2]"),
    "lambda_sum": reading(layer("Dense", units=2), expression("tf.reduce_sum(x, axis=1)")),
    "lambda_softmax": reading(
        expression("tf.reduce_sum(tf.nn.softmax(x, axis=1) * x, axis=1)"),
    ),
    "lambda_lengths": reading(
        expression("tf.reduce_sum(x[0], 1) / tf.cast(x[1] + 1, tf.float32)[:, None]"), part="[0:2]"
    ),
}


class Rows(Groups):
    """Rows of random histories, some of `LENGTHS`, padded to the longest."""

    def __init__(self, picked: list[int], seed: int):
        super().__init__(len(LENGTHS), seed)
        self.lengths = np.asarray(LENGTHS)[picked]
        steps = np.random.default_rng(seed).normal(size=(len(LENGTHS), max(LENGTHS), WIDTH))
        real = np.arange(max(LENGTHS))[None, :, None] < np.asarray(LENGTHS)[:, None, None]
        self.steps = (steps * real)[picked][:, : max(1, *self.lengths, 0)].astype("f")
        self.a, self.b, self.c = (each[picked] for each in (self.a, self.b, self.c))

    def sequences(self, group: str) -> Sequences:
        return Sequences(tf.constant(self.steps), tf.constant(self.lengths), [tf.constant(self.c)])


def result(backbone: CompiledBackbone, picked: list[int], seed: int) -> np.ndarray:
    return np.asarray(backbone(Rows(picked, seed)))


@pytest.mark.parametrize("name", READERS)
def test_a_row_alone_equals_the_row_beside_longer_ones(name: str) -> None:
    seed = len(name)
    backbone = compiled(READERS[name], seed)
    together = result(backbone, [0, 1, 2, 3], seed)
    assert np.isfinite(together).all()
    for row in range(len(LENGTHS)):
        alone = result(backbone, [row], seed)
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-5, atol=1e-6)


def test_a_mean_is_that_of_the_real_steps_and_0_without_steps() -> None:
    rows = Rows([0, 1, 2, 3], 5)
    expected = [
        steps[:length].mean(0) if length else np.zeros(WIDTH)
        for steps, length in zip(rows.steps, rows.lengths, strict=True)
    ]
    for name in ("mean", "lambda_mean"):
        found = compiled(READERS[name])(rows)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_gru_gives_its_state_after_the_last_real_step() -> None:
    backbone, rows = compiled(READERS["gru"]), Rows([0, 1, 2, 3], 5)
    (gru,) = backbone.layers["read"]
    expected = [
        gru(rows.steps[i : i + 1, :length])[0] if length else np.zeros(5)
        for i, length in enumerate(LENGTHS)
    ]
    np.testing.assert_allclose(backbone(rows), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "layers",
    [
        [expression("x[:, -1]")],
        [expression("tf.reduce_mean(tf.exp(x), axis=1)")],
        [layer("Conv1D", filters=4, kernel_size=3), MAX],
        [layer("MaxPooling1D"), MEAN],
        [expression("tf.reverse(x, [1])"), layer("GRU", units=3)],
        [layer("Flatten"), layer("Dense", units=3)],
        [expression("tf.reduce_mean(x[:, :2], axis=1)")],
    ],
)
def test_what_depends_on_the_padding_is_refused(layers: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        compiled(reading(*layers))
    (problem,) = caught.value.problems
    assert "'read'" in problem.message
    assert problem.path == "model_config.backbone.blocks[1]"
    assert "GRU" in problem.remedy
    assert "tf.sequence_mask" in problem.remedy


def test_the_first_block_that_reads_padding_is_named() -> None:
    text = reading(expression("tf.reduce_mean(tf.exp(x), axis=1)")) + (
        f'blocks {{ name: "after" inputs {{ block_name: "read" }} {MLP} }}'
    )
    with pytest.raises(ConfigError, match="block 'read'"):
        compiled(text)


def test_batch_norm_learns_from_real_steps_alone() -> None:
    rng = np.random.default_rng(3)
    steps = rng.normal(2, 3, size=(3, 5, 4)).astype("f")
    mask = np.arange(5) < np.asarray([[2], [0], [5]])
    norm = BatchNorm(momentum=0.0)
    found = np.asarray(norm(steps, training=True, mask=tf.constant(mask)))
    real = steps[mask]
    expected = (real - real.mean(0)) / np.sqrt(real.var(0) + norm.epsilon)
    np.testing.assert_allclose(found[mask], expected, rtol=1e-4, atol=1e-5)
    assert not found[~mask].any()
    np.testing.assert_allclose(norm.moving_mean, real.mean(0), rtol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, real.var(0), rtol=1e-4)


def test_batch_norm_keeps_its_statistics_in_a_batch_without_steps() -> None:
    norm = BatchNorm()
    found = norm(tf.ones([2, 3, 4]), training=True, mask=tf.zeros([2, 3], tf.bool))
    np.testing.assert_array_equal(found, np.zeros([2, 3, 4]))
    np.testing.assert_array_equal(norm.moving_mean, np.zeros(4))
    np.testing.assert_array_equal(norm.moving_variance, np.ones(4))


@pytest.mark.parametrize("name", ["gru", "heads", "attention", "mean", "recurrent", "repeat"])
def test_a_layer_whose_numbers_differ_from_easyrec_is_told(name: str) -> None:
    problem, *_ = problems(READERS[name])
    assert problem.severity == "warning"
    assert "'read'" in problem.message
    assert "EasyRec" in problem.found
    assert problem.path.startswith("model_config.backbone.blocks[1].layers[")


def test_layers_that_read_no_padding_in_easyrec_either_are_not_told() -> None:
    assert problems(READERS["text_cnn"]) == []
    assert problems(reading(expression("tf.reduce_sum(x, axis=1)"))) == []


def test_a_block_may_read_its_padding_as_easyrec_does() -> None:
    text = reading(expression("x + 1.0"), expression("tf.reduce_mean(x, axis=1)"))
    text = text.replace('name: "read"', 'name: "read" read_padding: true')
    after = f'blocks {{ name: "after" inputs {{ block_name: "read" }} {MLP} }}'
    rows = Rows([0, 1, 2, 3], 5)
    (found,) = compiled(text + after).outputs(["read"], rows, training=False)
    np.testing.assert_allclose(found, rows.steps.mean(1) + 1, rtol=1e-5)
    (problem,) = problems(text)
    assert (problem.severity, problem.path) == (
        "warning",
        "model_config.backbone.blocks[1].read_padding",
    )
    assert "longest row" in problem.message


def test_only_what_depends_on_such_a_block_may_depend_on_the_padding() -> None:
    text = reading(MEAN).replace('name: "read"', 'name: "read" read_padding: true')
    other = 'blocks { name: "other" inputs { block_name: "seq" input_slice: "[0]" } '
    with pytest.raises(ConfigError, match="'other'"):
        compiled(text + other + expression("x[:, -1]") + "}")


def test_the_error_of_a_wrong_part_shows_shapes_and_no_values() -> None:
    with pytest.raises(ConfigError) as caught:
        compiled(reading(layer("GRU", units=3), part="[0:3]"))
    (problem,) = caught.value.problems
    assert "'read'" in problem.message
    assert "(2, 61, 3)" in problem.message
    assert "0., 0." not in problem.message


IN_TRAINING = ["gru", "lstm", "mean", "max", "heads", "attention", "causal", "din", "bst"]


@pytest.mark.parametrize("name", [*IN_TRAINING, "bst_target_behind", "transformer_block"])
def test_training_gives_the_same_results_and_gradients_for_more_padding(name: str) -> None:
    backbone, rows, padded = compiled(READERS[name]), Rows([1, 2], 5), Rows([1, 2], 5)
    padded.steps = np.pad(rows.steps, [(0, 0), (0, 7), (0, 0)])
    weights = [
        weight.value for each in backbone.layers_of("read") for weight in each.trainable_weights
    ]
    results = []
    for groups in (rows, padded):
        with tf.GradientTape() as tape:
            value = backbone(groups, training=True)
            total = tf.reduce_sum(tf.sin(3 * value))
        gradients = tape.gradient(total, weights) if weights else []
        results.append([value, *gradients])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
