"""TextCNN: convolutions of several widths over a sequence, the largest response of each filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.activations import activation as activation_layer
from easyrec_lite.layers.initializers import initializer
from easyrec_lite.layers.mlp.layer import MLP
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.layers.shapes import is_list, refuse


@LAYERS.implement("TextCNN")
class TextCNN(keras.layers.Layer):
    """Computes `max over steps of a(conv(x))` for each filter width, joined, then an MLP.

    Sequence [B, L, D], or a list of it and int lengths [B] → [B, Σ num_filters], or
    [B, hidden_units[-1]] with the MLP. Steps past a row's length count as zero vectors. A filter
    lies wholly within `pad_sequence_length` steps. Kernels glorot-uniform. From "Convolutional
    Neural Networks for Sentence Classification" (https://arxiv.org/abs/1408.5882).

    Args:
      filter_sizes: widths of the filters, in steps.
      num_filters: number of filters of each width.
      pad_sequence_length: L after padding with zeros, or cutting.
      activation: name of a.
      mlp: arguments of `MLP`; None: no MLP.
      seed: source of the seeds of the initialisers.
      name: the layer's name.

    Example:
      >>> layer = TextCNN(filter_sizes=[2, 3], num_filters=[8, 4], pad_sequence_length=10)
      >>> layer([tf.ones([2, 6, 16]), tf.constant([6, 2])]).shape.as_list()
      [2, 12]
    """

    def __init__(
        self,
        filter_sizes: Sequence[int],
        num_filters: Sequence[int],
        pad_sequence_length: int,
        activation: str = "relu",
        mlp: Mapping[str, Any] | None = None,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._length = pad_sequence_length
        self._sizes, self._filters = list(filter_sizes), list(num_filters)
        self._seed = seed
        self._activation = activation_layer(activation, "activation")
        mlp_seed = derive_seed(seed, f"{self.name}/mlp")
        self._mlp = None if mlp is None else MLP(**mlp, seed=mlp_seed, name="mlp")

    @property
    def kernels(self) -> list[keras.Variable]:
        """The filters and the MLP's kernels. Requires a built layer."""
        return self._kernels + ([] if self._mlp is None else self._mlp.kernels)

    def build(self, input_shape: Any) -> None:
        """Creates the weights for a sequence [B, L, D]."""
        shape = input_shape[0] if is_list(input_shape) else input_shape
        if len(shape) != 3 or shape[2] is None:
            raise refuse(self.name, "a sequence [B, L, D] of known D", input_shape)
        self._kernels, self._biases = [], []
        for i, (size, filters) in enumerate(zip(self._sizes, self._filters, strict=True)):
            start = initializer("glorot_uniform", self._seed, f"{self.name}/kernel_{i}")
            self._kernels.append(
                self.add_weight(
                    name=f"kernel_{i}", shape=(size, shape[2], filters), initializer=start
                )
            )
            self._biases.append(
                self.add_weight(name=f"bias_{i}", shape=(filters,), initializer="zeros")
            )
        if self._mlp is not None:
            self._mlp.build((None, sum(self._filters)))
        self.built = True

    def call(self, inputs: tf.Tensor | Sequence[tf.Tensor], training: bool = False) -> tf.Tensor:
        """Returns the joined largest responses, through the MLP if there is one."""
        steps = self._padded(*(inputs if isinstance(inputs, list | tuple) else (inputs,)))
        largest = [
            tf.reduce_max(self._activation(self._convolve(steps, kernel) + bias), axis=1)
            for kernel, bias in zip(self._kernels, self._biases, strict=True)
        ]
        output = tf.concat(largest, axis=-1)
        return output if self._mlp is None else self._mlp(output, training=training)

    def _convolve(self, steps: tf.Tensor, kernel: keras.Variable) -> tf.Tensor:
        """Returns [B, pad_sequence_length − size + 1, filters], as one matrix product.

        TensorFlow's own convolution fails for B = 0.
        """
        size, width, filters = kernel.shape
        count = self._length - size + 1
        windows = tf.concat([steps[:, i : i + count] for i in range(size)], axis=-1)
        return windows @ tf.reshape(kernel, [size * width, filters])

    def _padded(self, sequence: tf.Tensor, lengths: tf.Tensor | None = None) -> tf.Tensor:
        if lengths is not None:
            mask = tf.sequence_mask(lengths, tf.shape(sequence)[1], dtype=sequence.dtype)
            sequence *= mask[:, :, None]
        sequence = sequence[:, : self._length]
        missing = self._length - tf.shape(sequence)[1]
        padded = tf.pad(sequence, [[0, 0], [0, missing], [0, 0]])
        return tf.ensure_shape(padded, [None, self._length, sequence.shape[2]])
