"""DIN, BST and the transformer layers against their formulas in NumPy, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.layers.bst.layer import BST
from easyrec_lite.layers.din.layer import DIN
from easyrec_lite.layers.transformer.block import TransformerBlock
from easyrec_lite.layers.transformer.encoder import TransformerEncoder
from easyrec_lite.layers.transformer.text import TextEncoder
from tests.layers.test_layers import batch_norm, randomise, relu, softmax, weights

RNG = np.random.default_rng(11)
LENGTHS = np.array([3, 0, 1, 5])
Weights = dict[str, np.ndarray]


def sequences(width: int) -> np.ndarray:
    """Returns random steps, zero after the end of each row."""
    real = np.arange(5) < LENGTHS[:, None]
    return (RNG.normal(size=(4, 5, width)) * real[:, :, None]).astype("f")


def compared(layer: keras.layers.Layer, inputs: Any, expected: Any) -> None:
    mask = [tf.sequence_mask(LENGTHS, 5), *[None] * (len(inputs) - 1)]
    found = np.asarray(layer(inputs, mask=mask))
    np.testing.assert_allclose(found, np.stack(expected), rtol=2e-5, atol=2e-5)


def ready(layer: keras.layers.Layer, inputs: Any) -> Weights:
    layer(inputs)
    randomise(layer)
    return weights(layer)


def norm(x: np.ndarray, w: Weights, name: str) -> np.ndarray:
    scaled = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
    return scaled * w[f"{name}/gamma"] + w[f"{name}/beta"]


def dense(x: np.ndarray, w: Weights, name: str) -> np.ndarray:
    return x @ w[f"{name}/kernel"] + w[f"{name}/bias"]


def gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


@pytest.mark.parametrize("normalizer", ["softmax", "sigmoid"])
@pytest.mark.parametrize(("width", "need"), [(4, True), (2, True), (3, False)])
def test_din(normalizer: str, width: int, need: bool) -> None:
    steps, target = sequences(4), RNG.normal(size=(4, width)).astype("f")
    layer = DIN({"hidden_units": [3, 1]}, need, normalizer, name="layer")
    inputs = [tf.constant(steps), tf.constant(LENGTHS), tf.constant(target)]
    w = {name.removeprefix("din_attention/"): each for name, each in ready(layer, inputs).items()}
    padded = np.pad(target, [(0, 0), (0, 4 - width)])
    expected = []
    for row, length in enumerate(LENGTHS):
        h = steps[row, :length]
        q = np.broadcast_to(padded[row], h.shape)
        x = np.concatenate([q, h, q - h, q * h], -1) @ w["layer_0/kernel"]
        scores = dense(relu(batch_norm(x, w, "layer_0/bn")), w, "layer_1")[:, 0]
        shares = 1 / (1 + np.exp(-scores / 2))
        if normalizer == "softmax":
            shares = softmax(scores) if length else scores
        pooled = shares @ h[:, :width]
        expected.append(np.concatenate([pooled, padded[row]]) if need else pooled)
    compared(layer, inputs, expected)


def test_din_without_a_mask_normalises_over_the_padding_too() -> None:
    steps, target = sequences(4), RNG.normal(size=(4, 4)).astype("f")
    inputs = [tf.constant(steps), tf.constant(LENGTHS), tf.constant(target)]
    mask = tf.sequence_mask(LENGTHS, 5)
    means = []
    for given in (None, [mask, None, None]):
        layer = DIN({"hidden_units": [3, 1]}, name="layer")
        layer(inputs, training=True, mask=given)
        w = weights(layer)
        q = np.broadcast_to(target[:, None], steps.shape)
        x = np.concatenate([q, steps, q - steps, q * steps], -1)
        x = x @ w["din_attention/layer_0/kernel"]
        x = x[np.asarray(mask)] if given else x.reshape(-1, 3)
        means.append(w["din_attention/layer_0/bn/moving_mean"])
        np.testing.assert_allclose(means[-1], 0.01 * x.mean(0), rtol=1e-4, atol=1e-6)
    assert np.abs(means[0] - means[1]).max() > 1e-4


def encoded(x: np.ndarray, real: np.ndarray, w: Weights, layer: str, act: Any) -> np.ndarray:
    """Returns steps x [L, H] after an encoder layer of BST of two heads."""
    query, key, value = (dense(x, w, f"{layer}/{part}") for part in ("query", "key", "value"))
    half = x.shape[1] // 2
    context = np.zeros_like(x)
    for head in (slice(0, half), slice(half, None)):
        scores = query[:, head] @ key[real][:, head].T / np.sqrt(half)
        if real.any():
            context[:, head] = softmax(scores) @ value[real][:, head]
    n = norm(x + dense(context, w, f"{layer}/attention_output"), w, f"{layer}/attention_norm")
    inner = dense(act(dense(n, w, f"{layer}/intermediate")), w, f"{layer}/output")
    return norm(n + inner, w, f"{layer}/norm")


@pytest.mark.parametrize("act", ["gelu", "relu"])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("place", ["head", "tail"])
@pytest.mark.parametrize("has_target", [True, False])
@pytest.mark.parametrize("width", [4, 6])
def test_bst(act: str, whole: bool, place: str, has_target: bool, width: int) -> None:
    steps, target = sequences(width), RNG.normal(size=(4, width)).astype("f")
    layer = BST(
        *(6, 2, 2, 5),
        hidden_act=act,
        max_position_embeddings=4,
        output_all_token_embeddings=whole,
        target_item_position=place,
        name="layer",
    )
    inputs = [tf.constant(each) for each in (steps, LENGTHS, target)[: 2 + has_target]]
    w = ready(layer, inputs)
    assert w["positions"].shape == (5, 6)
    expected = []
    for row in range(4):
        length = min(LENGTHS[row], 4)
        x = steps[row, :4]
        x = relu(dense(x, w, "seq_project")) if width != 6 else x
        real = np.arange(4) < length
        places = list(range(4))
        if has_target:
            own = target[row]
            own = relu(dense(own, w, "target_project")) if width != 6 else own
            parts = [(own[None], [True], [0 if place == "head" else 4])]
            shifted = [each + (place == "head") for each in places]
            parts.insert(0 if place == "tail" else 1, (x, real, shifted))
            x, real, places = (np.concatenate(each) for each in zip(*parts, strict=True))
        x = norm(x + w["positions"][places], w, "norm")
        for i in range(2):
            x = encoded(x, real, w, f"transformer_layer_{i}", gelu if act == "gelu" else relu)
        last = 4 if has_target else max(length - 1, 0)
        expected.append(x.ravel() if whole else x[0 if place == "head" else last])
    compared(layer, inputs, expected)


def test_bst_without_a_mask_reads_the_padding_of_a_row_without_steps() -> None:
    inputs = [tf.zeros([1, 3, 6]), tf.constant([0])]
    layer = BST(6, 1, 2, 5, output_all_token_embeddings=False, name="layer")
    w = ready(layer, inputs)
    x = norm(w["positions"][:3], w, "norm")
    expected = encoded(x, np.ones(3, bool), w, "transformer_layer_0", gelu)[0]
    # Scores of about −10000 have few digits left.
    np.testing.assert_allclose(layer(inputs)[0], expected, rtol=0.01, atol=0.01)


def test_bst_reserves_a_position_only_if_asked_to() -> None:
    inputs = [tf.constant(sequences(6)), tf.constant(LENGTHS)]
    layer = BST(6, 1, 2, 5, max_position_embeddings=4, reserve_target_position=False, name="layer")
    assert ready(layer, inputs)["positions"].shape == (4, 6)


def heads(x: np.ndarray, w: Weights, name: str) -> np.ndarray:
    part = {
        each: np.einsum("ld,dhk->lhk", x, w[f"{name}/{each}/kernel"]) + w[f"{name}/{each}/bias"]
        for each in ("query", "key", "value")
    }
    width = part["query"].shape[-1]
    scores = np.einsum("qhk,lhk->hql", part["query"], part["key"]) / np.sqrt(width)
    mixed = np.einsum("hql,lhk->qhk", softmax(scores), part["value"])
    kernel = w[f"{name}/attention_output/kernel"]
    return np.einsum("qhk,hkd->qd", mixed, kernel) + w[f"{name}/attention_output/bias"]


def transformed(x: np.ndarray, w: Weights, prefix: str) -> np.ndarray:
    """Returns real steps x [L, D] after a TransformerBlock."""
    n = norm(x + heads(x, w, f"{prefix}attention/attention"), w, f"{prefix}attention_norm")
    inner = relu(dense(n, w, f"{prefix}intermediate"))
    return norm(n + dense(inner, w, f"{prefix}output"), w, f"{prefix}norm")


def test_transformer_block() -> None:
    steps, mask = sequences(4), tf.sequence_mask(LENGTHS, 5)
    layer = TransformerBlock(4, 2, 3, name="layer")
    w = ready(layer, [tf.constant(steps), mask])
    found = np.asarray(layer([tf.constant(steps), mask]))
    np.testing.assert_array_equal(found, layer(tf.constant(steps), mask=mask))
    for row, length in enumerate(LENGTHS):
        if length:
            expected = transformed(steps[row, :length], w, "")
            np.testing.assert_allclose(found[row, :length], expected, rtol=1e-4, atol=1e-4)


def encode(ids: Any, w: Weights, prefix: str = "", most: int = 8) -> np.ndarray:
    """Returns the tokens of a row after an encoder of two blocks."""
    ids = np.asarray(ids)[:most]
    width = w[f"{prefix}words"].shape[1]
    angles = np.arange(len(ids))[:, None] / 10000 ** (np.arange(width // 2) / (width / 2))
    x = w[f"{prefix}words"][ids] * np.sqrt(width)
    x = x + np.concatenate([np.sin(angles), np.cos(angles)], -1)
    for i in range(2):
        x = transformed(x, w, f"{prefix}layer_{i}/")
    return x


ARGUMENTS = {"num_hidden_layers": 2, "max_position_embeddings": 4, "vocab_size": 9}


@pytest.mark.parametrize("whole", [True, False])
def test_transformer_encoder(whole: bool) -> None:
    ids, mask = RNG.integers(0, 9, (4, 5)), tf.sequence_mask(LENGTHS, 5)
    layer = TransformerEncoder(6, 2, **ARGUMENTS, output_all_token_embeddings=whole, name="layer")
    inputs = [tf.constant(ids), mask]
    w = ready(layer, inputs)
    expected = np.zeros((4, 5, 6))
    for row, length in enumerate(np.minimum(LENGTHS, 4)):
        if length:
            expected[row, :length] = encode(ids[row, :length], w)
    found = layer(inputs)
    reached = expected if whole else expected[:, 0]
    np.testing.assert_allclose(found, reached, rtol=1e-3, atol=1e-3)


def test_text_encoder_gives_the_vector_of_its_first_marker() -> None:
    ids, mask = RNG.integers(0, 9, (2, 4, 5)), tf.sequence_mask(LENGTHS, 5)
    other = tf.sequence_mask(LENGTHS[::-1], 5)
    arguments = {"hidden_size": 6, "num_attention_heads": 2, **ARGUMENTS}
    layer = TextEncoder({**arguments, "max_position_embeddings": 8}, name="layer")
    inputs = [tf.constant(ids[0]), mask, tf.constant(ids[1]), other]
    w = ready(layer, inputs)
    first, end = tf.strings.to_hash_bucket_fast(["[CLS]", "[SEP]"], 9).numpy()
    expected = []
    for row, length in enumerate(LENGTHS):
        tokens = [first, *ids[0, row, :length], end, *ids[1, row, : LENGTHS[::-1][row]], end]
        expected.append(encode(tokens, w, "transformer/")[0])
    np.testing.assert_allclose(layer(inputs), expected, rtol=1e-3, atol=1e-3)


def test_the_markers_of_a_text_are_tokens_of_its_vocabulary(tmp_path: Path) -> None:
    """Ids are places in the file, blank lines left out; a marker that it lacks has id 0."""
    path = tmp_path / "tokens.txt"
    path.write_text("[UNK]\n\n北京\n[SEP]\ncafé\n", encoding="utf-8")
    arguments = {
        "hidden_size": 6,
        "num_attention_heads": 2,
        **ARGUMENTS,
        "max_position_embeddings": 8,
    }
    layer = TextEncoder(arguments, vocab_file=str(path), name="layer")
    ids, lengths = RNG.integers(0, 4, (4, 5)), [5, 0, 1, 3]
    inputs = [tf.constant(ids), tf.sequence_mask(lengths, 5)]
    w = ready(layer, inputs)
    for marker in (0, 3):
        expected = [
            encode([marker, *ids[row, :length], 2], w, "transformer/")[0]
            for row, length in enumerate(lengths)
        ]
        np.testing.assert_allclose(layer(inputs), expected, rtol=1e-3, atol=1e-3)
        path.write_text("[UNK]\n北京\n[SEP]\n[CLS]\n", encoding="utf-8")
        layer._markers = TextEncoder(arguments, vocab_file=str(path))._markers
