"""Batch norm whose training pass over rows is one operation, and so is its gradient."""

from __future__ import annotations

import keras
import tensorflow as tf


class BatchNorm(keras.layers.BatchNormalization):
    """Computes `γ (x − mean) / √(variance + ε) + β`, as Keras's layer does.

    The moments in training are those of the B rows of a [B, D] input. Other shapes, and inference,
    are Keras's own.
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
    """Returns the normalised inputs [B, D], and their mean and variance [D]."""
    images = tf.reshape(inputs, [-1, 1, 1, inputs.shape[1]])
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=images, scale=gamma, offset=beta, mean=[], variance=[], epsilon=epsilon
    )
    # It gives the variance that divides by B − 1.
    rows = tf.cast(tf.shape(inputs)[0], tf.float32)
    return tf.reshape(outputs, [-1, inputs.shape[1]]), mean, variance * ((rows - 1.0) / rows)
