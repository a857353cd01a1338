"""Batch norm whose training pass over rows has a gradient of its own, in fewer passes."""

from __future__ import annotations

import keras
import tensorflow as tf


class BatchNorm(keras.layers.BatchNormalization):
    """Computes `γ (x − mean) / √(variance + ε) + β`, as Keras's layer does.

    The moments in training are those of the B rows of a [B, D] input; sums over rows are matrix
    products, and the gradient is the closed form of Ioffe and Szegedy, Batch Normalization, 2015,
    section 3. Other shapes, and inference, are Keras's own.
    """

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the normalised inputs, of their shape."""
        if not training or not self.trainable or inputs.shape.rank != 2:
            return super().call(inputs, training=training)
        outputs, mean, variance = _normalized(
            inputs, self.gamma.value, self.beta.value, self.epsilon
        )
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + now * (1.0 - self.momentum))
        return outputs


def _normalized(
    inputs: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the normalised inputs [B, D], and their mean and variance [D], without gradient."""

    @tf.custom_gradient
    def normalize(inputs: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> tuple:
        rows = tf.shape(inputs)[0]
        ones, count = tf.ones([1, rows]), tf.cast(rows, tf.float32)
        mean = tf.matmul(ones, inputs) / count
        centred = inputs - mean
        variance = tf.matmul(ones, tf.square(centred)) / count
        inverse = tf.math.rsqrt(variance + epsilon)
        scale = inverse * gamma

        def gradient(upstream: tf.Tensor, *_: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            total = tf.matmul(ones, upstream)
            along = tf.matmul(ones, upstream * centred) * inverse
            pull = centred * (along * inverse / count) + total / count
            return scale * (upstream - pull), along[0], total[0]

        return (centred * scale + beta, mean[0], variance[0]), gradient

    outputs, mean, variance = normalize(inputs, gamma, beta)
    return outputs, tf.stop_gradient(mean), tf.stop_gradient(variance)
