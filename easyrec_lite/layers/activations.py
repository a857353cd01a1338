"""Activation functions by the names that configs use."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from easyrec_lite.core.errors import ConfigError, Problem, nearest
from easyrec_lite.layers.batch_norm import BatchNorm

_PATHS = ("tf.nn.", "tf.math.", "tf.keras.activations.", "tf.", "keras.activations.", "nn.")
_FUNCTIONS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "": tf.identity,
    "linear": tf.identity,
    "identity": tf.identity,
    "relu": tf.nn.relu,
    "relu6": tf.nn.relu6,
    "gelu": tf.nn.gelu,
    "leaky_relu": tf.nn.leaky_relu,
    "elu": tf.nn.elu,
    "selu": tf.nn.selu,
    "tanh": tf.nn.tanh,
    "swish": tf.nn.silu,
    "silu": tf.nn.silu,
    "sigmoid": tf.nn.sigmoid,
    "softmax": tf.nn.softmax,
    "softplus": tf.nn.softplus,
    "softsign": tf.nn.softsign,
    "exp": tf.math.exp,
}
_LAYERS: dict[str, Callable[[str], keras.layers.Layer]] = {}


def activation_names() -> list[str]:
    """Returns the short names of all activations, sorted."""
    return sorted({*_FUNCTIONS, *_LAYERS} - {""})


def activation(name: str, layer_name: str) -> keras.layers.Layer:
    """Returns a new layer that applies activation `name`, elementwise over [..., D].

    `name` is short (`relu`) or a path (`tf.nn.relu`); '' and `linear` are the identity.
    `prelu` and `dice` have weights of their own and must see no two inputs of different D.

    Raises:
      ConfigError: there is no such activation.
    """
    short = _short_name(name)
    if short in _LAYERS:
        return _LAYERS[short](layer_name)
    if short in _FUNCTIONS:
        return keras.layers.Activation(_FUNCTIONS[short], name=layer_name)
    raise ConfigError(
        Problem(
            message=f"unknown activation {name!r}",
            expected="one of " + ", ".join(activation_names()),
            found=repr(name),
            nearest=nearest(short, activation_names()),
        )
    )


def _short_name(name: str) -> str:
    for path in _PATHS:
        if name.startswith(path):
            return name[len(path) :].lower()
    return name.lower()


class Dice(keras.layers.Layer):
    """`p·x + (1 − p)·α·x` with `p = sigmoid(batch_norm(x))`, [..., D] → [..., D].

    α starts at 0 and is learnt, one for each of D. From the Deep Interest Network
    (https://arxiv.org/abs/1706.06978, section 5.3).
    """

    def __init__(self, name: str | None = None):
        super().__init__(name=name)
        self._norm = BatchNorm(epsilon=1e-8, center=False, scale=False, name="bn")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for inputs [..., D]."""
        self._norm.build(input_shape)
        self._alpha = self.add_weight(name="alpha", shape=(input_shape[-1],), initializer="zeros")
        self.built = True

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the activated inputs, of the same shape."""
        share = tf.sigmoid(self._norm(inputs, training=training))
        return share * inputs + (1.0 - share) * self._alpha * inputs


_LAYERS["prelu"] = lambda name: keras.layers.PReLU(name=name)
_LAYERS["dice"] = lambda name: Dice(name=name)
