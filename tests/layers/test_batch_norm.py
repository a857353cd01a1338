"""Batch norm with a gradient of its own, against Keras's layer and automatic gradients."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.layers.batch_norm import BatchNorm


def pair(width: int, rank: int = 2) -> tuple[BatchNorm, keras.layers.BatchNormalization]:
    """Returns ours and Keras's, with the same weights, which are not the initial ones."""
    rng = np.random.default_rng(0)
    made = BatchNorm(), keras.layers.BatchNormalization()
    weights = [rng.uniform(0.5, 2.0, width).astype(np.float32) for _ in range(4)]
    for layer in made:
        layer.build((*[None] * (rank - 1), width))
        layer.set_weights(weights)
    return made


def learnt(
    layer: keras.layers.BatchNormalization, inputs: np.ndarray, weights: np.ndarray
) -> list[np.ndarray]:
    """Returns the output, all gradients, and the moving statistics after a training pass."""

    @tf.function(autograph=False)
    def step(given: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(given)
            outputs = layer(given, training=True)
            loss = tf.reduce_sum(tf.sin(outputs) * weights)
        sources = [given, layer.gamma.value, layer.beta.value]
        return [outputs, *tape.gradient(loss, sources)]

    found = [part.numpy() for part in step(tf.constant(inputs))]
    return [*found, layer.moving_mean.numpy(), layer.moving_variance.numpy()]


@pytest.mark.parametrize("rows", [1, 2, 257])
def test_a_training_pass_is_keras_s(rows: int) -> None:
    rng = np.random.default_rng(rows)
    inputs = rng.normal(3.0, 2.0, (rows, 5)).astype(np.float32)
    weights = rng.normal(size=(rows, 5)).astype(np.float32)
    ours, theirs = (learnt(layer, inputs, weights) for layer in pair(5))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


def test_the_output_has_mean_beta_and_deviation_gamma() -> None:
    layer, _ = pair(3)
    inputs = np.random.default_rng(1).normal(-50.0, 7.0, (4000, 3)).astype(np.float32)
    outputs = layer(inputs, training=True).numpy()
    np.testing.assert_allclose(outputs.mean(0), layer.beta.numpy(), atol=1e-4)
    np.testing.assert_allclose(outputs.std(0), layer.gamma.numpy(), rtol=1e-4)


@pytest.mark.parametrize(
    ("shape", "training"), [((6, 4), False), ((2, 3, 4), True), ((0, 4), False)]
)
def test_other_calls_are_keras_s_own(shape: tuple[int, ...], training: bool) -> None:
    inputs = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    ours, theirs = (layer(inputs, training=training).numpy() for layer in pair(4, len(shape)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_frozen_layer_keeps_its_statistics() -> None:
    layer, _ = pair(4)
    layer.trainable = False
    before = layer.moving_mean.numpy()
    layer(np.ones((3, 4), np.float32), training=True)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), before)
