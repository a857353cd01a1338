"""MMoE, AITMTower and PPNet against their formulas in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.layers.aitm.layer import AITMTower
from easyrec_lite.layers.mmoe.layer import MMoE
from easyrec_lite.layers.ppnet.layer import PPNet
from tests.layers.test_layers import batch_norm, draw, randomise, relu, run, softmax, weights
from tests.layers.test_sequence_layers import dense

PLAIN = {"hidden_units": [3], "use_final_bn": False, "use_final_bias": True}


def plain(x: np.ndarray, w: dict[str, np.ndarray], name: str) -> np.ndarray:
    return relu(dense(x, w, f"{name}/layer_0"))


def test_mmoe_mixes_experts_for_each_task() -> None:
    layer, inputs, x = run("MMoE", expert_mlp=PLAIN)
    w = weights(layer)
    experts = np.stack([plain(x, w, f"expert_{i}") for i in range(3)], 1)
    found = layer(inputs)
    assert len(found) == 2
    for i, task in enumerate(found):
        gate = softmax(dense(x, w, f"gate_{i}"))
        expected = np.einsum("be,bed->bd", gate, experts)
        np.testing.assert_allclose(task, expected, rtol=1e-4, atol=1e-4)


def test_mmoe_over_the_outputs_of_experts() -> None:
    layer = MMoE(2, 3, name="layer")
    inputs = draw([(4,)] * 3 + [(2,)], 5)
    layer(inputs)
    randomise(layer)
    w = weights(layer)
    experts = np.stack(inputs[:3], 1)
    for i, task in enumerate(layer(inputs)):
        gate = softmax(dense(np.asarray(inputs[3]), w, f"gate_{i}"))
        expected = np.einsum("be,bed->bd", gate, experts)
        np.testing.assert_allclose(task, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("width", [None, 5])
@pytest.mark.parametrize("transfer", [None, PLAIN])
def test_aitm_attends_to_earlier_tasks(width: int | None, transfer: Any) -> None:
    layer = AITMTower(width, transfer, name="layer")
    inputs = draw([(4,), (2,), (2,)], 6)
    layer(inputs)
    randomise(layer)
    w, vectors = weights(layer), [np.asarray(each) for each in inputs]
    if transfer:
        vectors[1:] = [plain(each, w, "transfer") for each in vectors[1:]]
    query = dense(vectors[0], w, "query_0")
    assert query.shape[1] == (width or 4)
    keys, values = (
        np.stack([dense(each, w, f"{part}_{i}") for i, each in enumerate(vectors)], 1)
        for part in ("key", "value")
    )
    shares = softmax(np.einsum("bd,bjd->bj", query, keys) / np.sqrt(query.shape[1]))
    expected = np.einsum("bj,bjd->bd", shares, values)
    np.testing.assert_allclose(layer(inputs), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("stop", [True, False])
def test_aitm_stops_the_gradient_to_earlier_tasks(stop: bool) -> None:
    layer, (own, earlier) = AITMTower(stop_gradient=stop), draw([(4,), (2,)], 3)
    with tf.GradientTape() as tape:
        tape.watch([own, earlier])
        total = tf.reduce_sum(layer([own, earlier]) ** 2)
    gradients = tape.gradient(total, [own, earlier])
    assert gradients[0] is not None
    assert (gradients[1] is None) == stop


def test_aitm_gives_a_vector_alone_as_it_is() -> None:
    x = draw((4,), 3)
    np.testing.assert_array_equal(AITMTower()(x), x)


@pytest.mark.parametrize("mode", ["eager", "lazy"])
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("norm", [True, False])
def test_ppnet_scales_each_layer_by_a_gate(mode: str, full: bool, norm: bool) -> None:
    mlp = {"hidden_units": [5, 3], "use_bias": True, "use_final_bn": False}
    gate = {"hidden_dim": 4, "activation": "tanh", "use_bn": norm, "dropout_rate": 0.2}
    layer = PPNet({**mlp, "final_activation": "tanh"}, gate, mode, full, name="layer")
    inputs = draw([(4,), (2,)], 6)
    layer(inputs)
    randomise(layer)
    w, (x, own) = weights(layer), [np.asarray(each) for each in inputs]
    own = np.concatenate([x, own], -1) if full else own

    def factors(name: str) -> np.ndarray:
        if norm:
            hidden = batch_norm(own @ w[f"{name}/hidden/kernel"], w, f"{name}/bn")
            logits = np.tanh(hidden) @ w[f"{name}/weight/kernel"]
        else:
            logits = dense(np.tanh(dense(own, w, f"{name}/hidden")), w, f"{name}/weight")
        return 2 / (1 + np.exp(-logits))

    def first(x: np.ndarray) -> np.ndarray:
        return relu(batch_norm(dense(x, w, "layer_0/layer_0"), w, "layer_0/layer_0/bn"))

    def last(x: np.ndarray) -> np.ndarray:
        return np.tanh(x @ w["layer_1/layer_0/kernel"])

    if mode == "eager":
        expected = last(first(x * factors("gate_0")) * factors("gate_1"))
    else:
        expected = last(first(x) * factors("gate_1")) * factors("gate_2")
    np.testing.assert_allclose(layer(inputs), expected, rtol=1e-4, atol=1e-4)


def test_gates_of_ppnet_pass_no_gradient_to_the_input() -> None:
    layer, (x, own) = PPNet({"hidden_units": [1], "use_final_bn": False}), draw([(4,), (2,)], 1)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(layer([x, own]))
    alone = layer.trainable_weights
    kernel = next(each.numpy() for each in alone if each.path.endswith("layer_0/layer_0/kernel"))
    gate = next(each for each in layer._gates)(tf.concat([x, own], -1)).numpy()
    expected = kernel[:, 0] * gate[0] * (float(total) > 0)
    np.testing.assert_allclose(tape.gradient(total, x)[0], expected, rtol=1e-4, atol=1e-5)
