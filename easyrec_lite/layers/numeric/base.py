"""Base of the layers that embed numbers."""

from __future__ import annotations

import abc

import keras
import tensorflow as tf

from easyrec_lite.layers.initializers import initializer
from easyrec_lite.layers.shapes import refuse


class NumericEmbedding(keras.layers.Layer, abc.ABC):
    """F numbers [B, F] → F vectors: joined [B, F·D], or [B, F, D], or with a list beside it.

    Args:
      embedding_dim: D.
      output_3d_tensor: give [B, F, D].
      output_tensor_list: give also the list of F tensors [B, D].
      seed: source of the seeds of the initialisers.
      name: the layer's name.
    """

    def __init__(
        self,
        embedding_dim: int,
        output_3d_tensor: bool,
        output_tensor_list: bool,
        seed: int,
        name: str | None,
    ):
        super().__init__(name=name)
        self._dim = embedding_dim
        self._output_3d = output_3d_tensor
        self._output_list = output_tensor_list
        self._seed = seed

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for numbers [B, F].

        Raises:
          ConfigError: the input is not [B, F] with a known F.
        """
        if len(input_shape) != 2 or not isinstance(input_shape[1], int):
            raise refuse(self.name, "numbers [B, F] of known F", input_shape)
        self.build_fields(input_shape[1])
        self.built = True

    @abc.abstractmethod
    def build_fields(self, fields: int) -> None:
        """Creates the weights for F numbers."""

    @abc.abstractmethod
    def vectors(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns [B, F, D] for [B, F]."""

    def weight(self, name: str, shape: tuple[int, ...], start: str) -> keras.Variable:
        """Returns a new weight, initialised by the Keras initialiser `start`."""
        seeded = initializer(start, self._seed, f"{self.name}/{name}")
        return self.add_weight(name=name, shape=shape, initializer=seeded)

    def call(self, inputs: tf.Tensor) -> tf.Tensor | tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns the vectors in the form asked for."""
        vectors = self.vectors(inputs)
        fields, dim = vectors.shape[1], vectors.shape[2]
        output = vectors if self._output_3d else tf.reshape(vectors, [-1, fields * dim])
        return (output, tf.unstack(vectors, axis=1)) if self._output_list else output
