"""MaskBlock: a layer whose input is multiplied by a mask computed from the embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.initializers import initializer
from easyrec_lite.layers.shapes import is_list, refuse


@LAYERS.implement("MaskBlock")
class MaskBlock(keras.layers.Layer):
    """Computes `relu(LN(W (m ∘ x)))` with the mask `m = W₂ relu(W₁ e + b₁) + b₂`.

    List [x, e] of [B, D] and [B, E], or x alone (then e = x) → [B, output_size]. From MaskNet
    (https://arxiv.org/abs/2102.07619).

    Args:
      reduction_factor: W₁'s width as a multiple of E.
      output_size: width of W; None or 0: D.
      aggregation_size: W₁'s width, in place of `reduction_factor`.
      input_layer_norm: normalise x first (layer norm).
      projection_dim: rank of W, W₁ and W₂, each a product of two; None or 0: full.
      seed: source of the seeds of the initialisers (he-uniform for W₁, glorot-uniform).
      name: the layer's name.

    Example:
      >>> block = MaskBlock(aggregation_size=16, output_size=8)
      >>> block([tf.ones([2, 4]), tf.ones([2, 12])]).shape.as_list()
      [2, 8]
    """

    def __init__(
        self,
        reduction_factor: float | None = None,
        output_size: int | None = None,
        aggregation_size: int | None = None,
        input_layer_norm: bool = False,
        projection_dim: int | None = None,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._factor = reduction_factor or 0.0
        self._output_size = output_size
        self._aggregation_size = aggregation_size
        self._rank = projection_dim
        self._seed = seed
        self._input_norm = (
            keras.layers.LayerNormalization(name="input_norm") if input_layer_norm else None
        )
        self._norm = keras.layers.LayerNormalization(name="norm")

    @property
    def kernels(self) -> list[keras.Variable]:
        """The kernels or their factors, which l2 regularisation acts on. Requires a built layer."""
        return [dense.kernel for dense in (*self._first, *self._second, *self._hidden)]

    def build(self, input_shape: Any) -> None:
        """Creates the weights for [x, e] or x."""
        shapes = list(input_shape) if is_list(input_shape) else [input_shape]
        if len(shapes) > 2 or any(len(shape) != 2 for shape in shapes):
            raise refuse(self.name, "[x, e] of shapes [B, D] and [B, E], or x", shapes)
        width, mask_width = shapes[0][1], shapes[-1][1]
        inner = self._aggregation_size or max(1, int(mask_width * self._factor))
        self.output_width = self._output_size or width
        self._first = self._dense("aggregation", mask_width, inner, "he_uniform", "relu")
        self._second = self._dense("mask", inner, width, "glorot_uniform")
        self._hidden = self._dense("hidden", width, self.output_width, bias=False)
        if self._input_norm is not None:
            self._input_norm.build((None, width))
        self._norm.build((None, self.output_width))
        self.built = True

    def _dense(
        self,
        part: str,
        entering: int,
        units: int,
        start: str = "glorot_uniform",
        activation: str | None = None,
        bias: bool = True,
    ) -> list[keras.layers.Dense]:
        layers = []
        if self._rank:
            start_down = initializer(start, self._seed, f"{self.name}/{part}_project")
            layers.append(
                keras.layers.Dense(
                    self._rank,
                    use_bias=False,
                    kernel_initializer=start_down,
                    name=f"{part}_project",
                )
            )
            layers[0].build((None, entering))
            entering = self._rank
        layers.append(
            keras.layers.Dense(
                units,
                activation=activation,
                use_bias=bias,
                kernel_initializer=initializer(start, self._seed, f"{self.name}/{part}"),
                name=part,
            )
        )
        layers[-1].build((None, entering))
        return layers

    def call(self, inputs: tf.Tensor | Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the block's output [B, output_size]."""
        pair: list[Any] = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
        x, mask = pair[0], pair[-1]
        if self._input_norm is not None:
            x = self._input_norm(x)
        for dense in (*self._first, *self._second):
            mask = dense(mask)
        hidden = x * mask
        for dense in self._hidden:
            hidden = dense(hidden)
        return tf.nn.relu(self._norm(hidden))
