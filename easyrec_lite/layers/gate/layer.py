"""Gate: a weighted sum of inputs; one of the inputs holds the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.mlp.layer import MLP
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.layers.shapes import is_list, refuse


@LAYERS.implement("Gate")
class Gate(keras.layers.Layer):
    """Computes `Σ_k w[:, k] · x_k`, then an MLP.

    List of w [B, K] and x_0 … x_{K−1} [B, D] → [B, D], or [B, hidden_units[-1]] with the MLP. The
    mixing gate of a mixture of experts (https://dl.acm.org/doi/10.1145/3219819.3220007).

    Args:
      weight_index: position of w in the list.
      mlp: arguments of `MLP`; None: no MLP.
      seed: source of the seed of the MLP.
      name: the layer's name.

    Example:
      >>> experts = [tf.fill([1, 2], 1.0), tf.fill([1, 2], 3.0)]
      >>> Gate()([tf.constant([[0.25, 0.75]]), *experts]).numpy().tolist()
      [[2.5, 2.5]]
    """

    def __init__(
        self,
        weight_index: int = 0,
        mlp: Mapping[str, Any] | None = None,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._index = weight_index
        mlp_seed = derive_seed(seed, f"{self.name}/mlp")
        self._mlp = None if mlp is None else MLP(**mlp, seed=mlp_seed, name="mlp")

    @property
    def kernels(self) -> list[keras.Variable]:
        """The MLP's kernels. Requires a built layer."""
        return [] if self._mlp is None else self._mlp.kernels

    def build(self, input_shape: Any) -> None:
        """Checks the inputs and creates the MLP's weights.

        Raises:
          ConfigError: no list, w with fewer columns than there are inputs, or inputs that differ.
        """
        expected = "a list of w [B, K] and K inputs [B, D]"
        shapes = list(input_shape) if is_list(input_shape) else []
        if len(shapes) < 2 or not 0 <= self._index < len(shapes):
            raise refuse(self.name, expected, input_shape)
        weights = shapes.pop(self._index)
        if weights[-1] != len(shapes) or len({shape[-1] for shape in shapes}) != 1:
            raise refuse(self.name, expected, input_shape)
        if self._mlp is not None:
            self._mlp.build(shapes[0])
        self.built = True

    def call(self, inputs: Sequence[tf.Tensor], training: bool = False) -> tf.Tensor:
        """Returns the weighted sum, through the MLP if there is one."""
        values = list(inputs)
        weights = values.pop(self._index)
        output = tf.einsum("bk,bkd->bd", weights, tf.stack(values, axis=1))
        return output if self._mlp is None else self._mlp(output, training=training)
