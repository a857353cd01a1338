"""The DNN and activations against numpy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.core.errors import ConfigError
from easyrec_lite.layers.activations import Dice, activation, activation_names
from easyrec_lite.layers.mlp.layer import DNN

RNG = np.random.default_rng(3)
INPUTS = RNG.normal(size=(6, 4)).astype(np.float32)


def built(**arguments: object) -> DNN:
    layer = DNN([5, 3], name="tower", **arguments)
    layer.build((None, 4))
    return layer


def values(layer: keras.layers.Layer) -> dict[str, np.ndarray]:
    return {variable.path: variable.numpy() for variable in layer.variables}


def randomize(layer: keras.layers.Layer) -> dict[str, np.ndarray]:
    for variable in layer.variables:
        variable.assign(RNG.uniform(0.5, 1.5, variable.shape))
    return values(layer)


def dense(v: dict[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    return x @ v[f"tower/{name}/kernel"] + v[f"tower/{name}/bias"]


def normed(
    v: dict[str, np.ndarray], name: str, x: np.ndarray, mean: np.ndarray, variance: np.ndarray
) -> np.ndarray:
    scaled = (x - mean) / np.sqrt(variance + 1e-3)
    return scaled * v[f"tower/{name}/bn/gamma"] + v[f"tower/{name}/bn/beta"]


def test_names_and_shapes_of_variables() -> None:
    shapes = {path: value.shape for path, value in values(built()).items()}
    norm = {f"tower/dnn_0/bn/{n}": (5,) for n in ("gamma", "beta", "moving_mean")}
    assert shapes == {
        "tower/dnn_0/kernel": (4, 5),
        "tower/dnn_0/bias": (5,),
        **norm,
        "tower/dnn_0/bn/moving_variance": (5,),
        "tower/dnn_1/kernel": (5, 3),
        "tower/dnn_1/bias": (3,),
    }


def test_in_training_it_normalises_by_the_batch_and_moves_the_statistics() -> None:
    layer = built()
    v = randomize(layer)
    hidden = dense(v, "dnn_0", INPUTS)
    mean, variance = hidden.mean(0), hidden.var(0)
    expected = dense(v, "dnn_1", np.maximum(normed(v, "dnn_0", hidden, mean, variance), 0))
    np.testing.assert_allclose(layer(INPUTS, training=True), expected, rtol=1e-4)
    after = values(layer)["tower/dnn_0/bn/moving_mean"]
    np.testing.assert_allclose(after, 0.99 * v["tower/dnn_0/bn/moving_mean"] + 0.01 * mean, 1e-5)


def test_out_of_training_it_normalises_by_the_statistics() -> None:
    layer = built(activation="tf.nn.tanh")
    v = randomize(layer)
    statistics = (v[f"tower/dnn_0/bn/moving_{s}"] for s in ("mean", "variance"))
    x = dense(v, "dnn_1", np.tanh(normed(v, "dnn_0", dense(v, "dnn_0", INPUTS), *statistics)))
    np.testing.assert_allclose(layer(INPUTS, training=False), x, rtol=1e-4)
    np.testing.assert_allclose(layer(INPUTS[:1], training=False), x[:1], rtol=1e-4)


def test_without_norm_a_last_plain_layer_is_linear() -> None:
    layer = DNN([2], use_bn=False, name="tower")
    layer.build((None, 4))
    v = randomize(layer)
    np.testing.assert_allclose(layer(-INPUTS), dense(v, "dnn_0", -INPUTS), rtol=1e-5)
    assert [kernel.path for kernel in layer.kernels] == ["tower/dnn_0/kernel"]


def test_dropout_drops_in_training_only_and_by_its_seed() -> None:
    def outputs(seed: int) -> list[np.ndarray]:
        layer = DNN([400, 400], use_bn=False, dropout_ratio=[0.25], seed=seed, name="tower")
        layer.build((None, 4))
        layer._dense[0].kernel.assign(np.zeros((4, 400)))
        layer._dense[0].bias.assign(np.ones(400))
        layer._dense[1].kernel.assign(np.eye(400))
        return [layer(INPUTS, training=training).numpy() for training in (True, True, False)]

    first, second, out_of_training = outputs(1)
    assert np.all(out_of_training == 1)
    assert set(np.unique(np.round(first, 5))) == {0, np.float32(np.round(1 / 0.75, 5))}
    assert 0.15 < (first == 0).mean() < 0.35
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(outputs(1)[0], first)
    assert not np.array_equal(outputs(2)[0], first)


def test_weights_depend_on_seed_and_name_alone() -> None:
    def kernel(seed: int, name: str) -> np.ndarray:
        layer = DNN([3], seed=seed, name=name)
        layer.build((None, 4))
        return layer.kernels[0].numpy()

    np.testing.assert_array_equal(kernel(1, "a"), kernel(1, "a"))
    assert not np.array_equal(kernel(1, "a"), kernel(2, "a"))
    assert not np.array_equal(kernel(1, "a"), kernel(1, "b"))


FORMULAS = {
    "relu": lambda x: np.maximum(x, 0),
    "tf.nn.relu": lambda x: np.maximum(x, 0),
    "nn.leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "tf.nn.elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "tf.keras.activations.sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "tf.tanh": np.tanh,
    "swish": lambda x: x / (1 + np.exp(-x)),
    "linear": lambda x: x,
    "": lambda x: x,
    "prelu": lambda x: np.maximum(x, 0),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_activations(name: str) -> None:
    layer = activation(name, "activation")
    layer.build((None, 4))
    np.testing.assert_allclose(layer(INPUTS), FORMULAS[name](INPUTS), rtol=1e-5, atol=1e-6)


def test_selu_and_gelu_at_known_points() -> None:
    one = tf.constant([[1.0]])
    assert float(activation("selu", "a")(one)[0, 0]) == pytest.approx(1.0507, abs=1e-4)
    assert float(activation("tf.nn.gelu", "a")(one)[0, 0]) == pytest.approx(0.84134, abs=1e-4)


def test_prelu_and_dice_learn_a_slope() -> None:
    for name in ("prelu", "dice"):
        layer = activation(name, "activation")
        layer.build((None, 4))
        assert [v.shape for v in layer.trainable_variables] == [(4,)]


def test_dice() -> None:
    layer = Dice()
    layer.build((None, 4))
    slope = RNG.normal(size=4)
    layer._alpha.assign(slope)
    share = 1 / (1 + np.exp(-(INPUTS - INPUTS.mean(0)) / np.sqrt(INPUTS.var(0) + 1e-8)))
    expected = share * INPUTS + (1 - share) * slope * INPUTS
    np.testing.assert_allclose(layer(INPUTS, training=True), expected, rtol=1e-4, atol=1e-6)


def test_an_unknown_activation_names_the_nearest() -> None:
    assert {"relu", "prelu", "dice"} <= set(activation_names())
    with pytest.raises(ConfigError, match="nearest:  relu"):
        activation("tf.nn.rellu", "a")
