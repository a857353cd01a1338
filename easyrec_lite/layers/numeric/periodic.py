"""PeriodicEmbedding: numbers to vectors by sines and cosines of learned frequencies."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.activations import activation
from easyrec_lite.layers.numeric.base import NumericEmbedding
from easyrec_lite.layers.seeds import derive_seed


@LAYERS.implement("PeriodicEmbedding")
class PeriodicEmbedding(NumericEmbedding):
    """Computes `[sin(2π c_f x_f), cos(2π c_f x_f)]` for each number f, then a dense of its own.

    [B, F] → [B, F·D] (see `NumericEmbedding` for the other forms); c [F, D/2] is learned. From
    "On Embeddings for Numerical Features" (https://arxiv.org/abs/2203.05556).

    Args:
      embedding_dim: D, even.
      sigma: standard deviation of c at the start; the most important setting.
      add_linear_layer: whether the dense layers [D, D], one a number, follow.
      linear_activation: their activation.
      output_3d_tensor: give [B, F, D].
      output_tensor_list: give also the list of F tensors [B, D].
      seed: source of the seeds of the initialisers.
      name: the layer's name.

    Example:
      >>> PeriodicEmbedding(embedding_dim=4, sigma=0.1)(tf.ones([2, 3])).shape.as_list()
      [2, 12]
    """

    def __init__(
        self,
        embedding_dim: int,
        sigma: float,
        add_linear_layer: bool = True,
        linear_activation: str = "relu",
        output_3d_tensor: bool = False,
        output_tensor_list: bool = False,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(embedding_dim, output_3d_tensor, output_tensor_list, seed, name)
        self._sigma = sigma
        self._linear = add_linear_layer
        self._activation = activation(linear_activation, "activation")

    @property
    def kernels(self) -> list[keras.Variable]:
        """The dense layers' kernels [F, D, D]. Requires a built layer."""
        return [self._kernel] if self._linear else []

    def build_fields(self, fields: int) -> None:
        """Creates c and the dense layers' weights."""
        start = keras.initializers.RandomNormal(
            stddev=self._sigma, seed=derive_seed(self._seed, f"{self.name}/frequencies")
        )
        self._frequencies = self.add_weight(
            name="frequencies", shape=(fields, self._dim // 2), initializer=start
        )
        if self._linear:
            bound = self._dim**-0.5
            seed = derive_seed(self._seed, f"{self.name}/kernel")
            uniform = keras.initializers.RandomUniform(-bound, bound, seed=seed)
            shape = (fields, self._dim, self._dim)
            self._kernel = self.add_weight(name="kernel", shape=shape, initializer=uniform)
            self._bias = self.weight("bias", (fields, self._dim), "zeros")

    def vectors(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns [B, F, D]."""
        angles = 2 * math.pi * inputs[:, :, None] * self._frequencies
        waves = tf.concat([tf.sin(angles), tf.cos(angles)], axis=-1)
        if not self._linear:
            return waves
        return self._activation(tf.einsum("bfd,fde->bfe", waves, self._kernel) + self._bias)
