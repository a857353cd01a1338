"""A gate of PPNet: a small network whose result, between 0 and 2, scales a tensor."""

from __future__ import annotations

import keras
import tensorflow as tf

from easyrec_lite.layers.activations import activation as activation_layer
from easyrec_lite.layers.batch_norm import BatchNorm
from easyrec_lite.layers.initializers import initializer
from easyrec_lite.layers.seeds import derive_seed


class GateNN(keras.layers.Layer):
    """Computes `2 · σ(W₂ a(W₁ x))`, [B, D] → [B, output_dim].

    Kernels he-uniform; biases only without batch norm.

    Args:
      output_dim: width of the result.
      hidden_dim: width of the hidden layer; None or 0: `output_dim`.
      activation: name of a.
      use_bn: batch norm before a.
      dropout_rate: share of hidden numbers dropped in training.
      seed: source of the seeds of initialisers and dropout.
      name: the layer's name.
    """

    def __init__(
        self,
        output_dim: int,
        hidden_dim: int | None = None,
        activation: str = "relu",
        use_bn: bool = False,
        dropout_rate: float = 0.0,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._hidden, self._weight = (
            keras.layers.Dense(
                units,
                use_bias=not use_bn,
                kernel_initializer=initializer("he_uniform", seed, f"{self.name}/{part}"),
                name=part,
            )
            for units, part in ((hidden_dim or output_dim, "hidden"), (output_dim, "weight"))
        )
        self._norm = BatchNorm(name="bn") if use_bn else None
        self._activation = activation_layer(activation, "activation")
        drop_seed = derive_seed(seed, f"{self.name}/dropout")
        self._dropout = keras.layers.Dropout(dropout_rate, seed=drop_seed)

    @property
    def kernels(self) -> list[keras.Variable]:
        """Both kernels. Requires a built layer."""
        return [self._hidden.kernel, self._weight.kernel]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for inputs [B, D]."""
        self._hidden.build(input_shape)
        hidden = (input_shape[0], self._hidden.units)
        if self._norm is not None:
            self._norm.build(hidden)
        self._activation.build(hidden)
        self._weight.build(hidden)
        self.built = True

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the factors."""
        hidden = self._hidden(inputs)
        if self._norm is not None:
            hidden = self._norm(hidden, training=training)
        hidden = self._dropout(self._activation(hidden), training=training)
        return 2.0 * tf.sigmoid(self._weight(hidden))
