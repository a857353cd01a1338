"""Highway: a learned gate mixes the output of each layer with its input."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.activations import activation as activation_layer
from easyrec_lite.layers.initializers import initializer
from easyrec_lite.layers.seeds import derive_seed


@LAYERS.implement("Highway")
class Highway(keras.layers.Layer):
    """Computes `x ← g ∘ a(W x + b) + (1 − g) ∘ x`, `g = sigmoid(V x + c)`, `num_layers` times.

    [B, D] → [B, emb_size]; x is first projected to `emb_size` by a dense layer. Kernels
    glorot-uniform. From Highway Networks (https://arxiv.org/abs/1505.00387).

    Args:
      emb_size: the width.
      activation: name of a, or what makes a layer that computes it, given the layer's name.
      dropout_rate: share of x dropped in training after each layer.
      init_gate_bias: what c starts from; negative values pass x through at first.
      num_layers: how many layers.
      seed: source of the seeds of initialisers and dropout.
      name: the layer's name.

    Example:
      >>> Highway(emb_size=8, num_layers=2)(tf.ones([2, 12])).shape.as_list()
      [2, 8]
    """

    def __init__(
        self,
        emb_size: int,
        activation: str | Callable[[str], keras.layers.Layer] = "relu",
        dropout_rate: float = 0.0,
        init_gate_bias: float = -3.0,
        num_layers: int = 1,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._units, self._seed = emb_size, seed
        self._project = self._dense("project")
        gate_start = keras.initializers.Constant(init_gate_bias)
        self._gates = [self._dense(f"gate_{i}", gate_start) for i in range(num_layers)]
        self._transforms = [self._dense(f"transform_{i}") for i in range(num_layers)]
        make = activation if callable(activation) else partial(activation_layer, activation)
        self._activations = [make(f"activation_{i}") for i in range(num_layers)]
        drop_seed = derive_seed(seed, f"{self.name}/dropout")
        self._dropout = keras.layers.Dropout(dropout_rate, seed=drop_seed) if dropout_rate else None

    def _dense(
        self, part: str, bias: keras.initializers.Initializer | str = "zeros"
    ) -> keras.layers.Dense:
        start = initializer("glorot_uniform", self._seed, f"{self.name}/{part}")
        return keras.layers.Dense(
            self._units, kernel_initializer=start, bias_initializer=bias, name=part
        )

    @property
    def kernels(self) -> list[keras.Variable]:
        """All kernels, which l2 regularisation acts on. Requires a built layer."""
        return [dense.kernel for dense in (self._project, *self._gates, *self._transforms)]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for inputs [B, D]."""
        self._project.build((None, input_shape[-1]))
        for layer in (*self._gates, *self._transforms, *self._activations):
            layer.build((None, self._units))
        self.built = True

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns x after the last layer, [B, emb_size]."""
        x = self._project(inputs)
        layers = zip(self._gates, self._transforms, self._activations, strict=True)
        for gate, transform, activation in layers:
            share = tf.sigmoid(gate(x))
            x = share * activation(transform(x), training=training) + (1.0 - share) * x
            if self._dropout is not None:
                x = self._dropout(x, training=training)
        return x
