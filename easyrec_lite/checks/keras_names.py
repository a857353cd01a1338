"""Activations and initialisers by the names that configs use. No TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping

# Short name → the function in TensorFlow; "" for one with weights of its own.
ACTIVATIONS: Mapping[str, str] = {
    "": "tf.identity",
    "dice": "",
    "elu": "tf.nn.elu",
    "exp": "tf.math.exp",
    "gelu": "tf.nn.gelu",
    "identity": "tf.identity",
    "leaky_relu": "tf.nn.leaky_relu",
    "linear": "tf.identity",
    "prelu": "",
    "relu": "tf.nn.relu",
    "relu6": "tf.nn.relu6",
    "selu": "tf.nn.selu",
    "sigmoid": "tf.nn.sigmoid",
    "silu": "tf.nn.silu",
    "softmax": "tf.nn.softmax",
    "softplus": "tf.nn.softplus",
    "softsign": "tf.nn.softsign",
    "swish": "tf.nn.silu",
    "tanh": "tf.nn.tanh",
}
INITIALIZERS = (
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "truncated_normal",
    "variance_scaling",
    "zeros",
)
_PATHS = ("tf.nn.", "tf.math.", "tf.keras.activations.", "tf.", "keras.activations.", "nn.")


def activation_names() -> list[str]:
    """Returns the short names of all activations, sorted."""
    return sorted(set(ACTIVATIONS) - {""})


def short_name(name: str) -> str:
    """Returns the short name of an activation: `relu` for `tf.nn.relu`."""
    path = next((path for path in _PATHS if name.startswith(path)), "")
    return name.removeprefix(path).lower()
