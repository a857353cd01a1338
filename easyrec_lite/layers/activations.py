"""Activation functions by the names in configs."""

from __future__ import annotations

import keras
import tensorflow as tf

from easyrec_lite.checks.keras_names import ACTIVATIONS, activation_names, short_name
from easyrec_lite.config.functions import tensorflow_attribute
from easyrec_lite.core.errors import ConfigError, Problem, nearest
from easyrec_lite.layers.batch_norm import BatchNorm


def activation(name: str, layer_name: str) -> keras.layers.Layer:
    """Returns a new layer that applies activation `name`, elementwise over [..., D].

    `name` is short (`relu`) or a path (`tf.nn.relu`); '' and `linear` are the identity.
    `prelu` and `dice` have weights, so that all their inputs must have the same D.

    Raises:
      ConfigError: there is no such activation.
    """
    short = short_name(name)
    if short not in ACTIVATIONS:
        raise ConfigError(
            Problem(
                message=f"unknown activation {name!r}",
                expected="one of " + ", ".join(activation_names()),
                found=repr(name),
                nearest=nearest(short, activation_names()),
            )
        )
    function = ACTIVATIONS[short]
    if function:
        return keras.layers.Activation(tensorflow_attribute(function), name=layer_name)
    return Dice(name=layer_name) if short == "dice" else keras.layers.PReLU(name=layer_name)


class Dice(keras.layers.Layer):
    """`p·x + (1 − p)·α·x` with `p = sigmoid(batch_norm(x))`, [..., D] → [..., D].

    α starts at 0 and is learned, one for each of D. From the Deep Interest Network
    (https://arxiv.org/abs/1706.06978, section 5.3).
    """

    def __init__(self, name: str | None = None):
        super().__init__(name=name)
        self._norm = BatchNorm(epsilon=1e-8, center=False, scale=False, name="bn")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for inputs [..., D]."""
        self._norm.build(input_shape)
        self._alpha = self.add_weight(name="alpha", shape=(input_shape[-1],), initializer="zeros")
        self.built = True

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the activated inputs, of the same shape."""
        share = tf.sigmoid(self._norm(inputs, training=training))
        return share * inputs + (1.0 - share) * self._alpha * inputs
