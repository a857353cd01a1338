"""Cross: one layer of a deep and cross network."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.activations import activation
from easyrec_lite.layers.initializers import initializer
from easyrec_lite.layers.shapes import is_list, refuse


@LAYERS.implement("Cross")
class Cross(keras.layers.Layer):
    """Computes `x0 ∘ (W x + b + diag_scale · x) + x`.

    List [x0, x], both [B, D], or x0 alone (then x = x0) → [B, D]. W is full, or of rank
    `projection_dim`. From DCN v2 (https://arxiv.org/abs/2008.13535).

    Args:
      projection_dim: rank of W = U V; None: W is full.
      diag_scale: added to W's diagonal, ≥ 0, to keep deep stacks stable.
      use_bias: whether there is b.
      preactivation: name of an activation on `W x + b + …`; '' for none.
      kernel_initializer: name of W's (U's, V's) Keras initialiser.
      bias_initializer: name of b's.
      seed: source of the seeds of the initialisers.
      name: the layer's name.

    Raises:
      ConfigError: an unknown name.

    Example:
      >>> x0 = x = tf.ones([2, 4])
      >>> for _ in range(3):
      ...     x = Cross(projection_dim=2)([x0, x])
      >>> x.shape.as_list()
      [2, 4]
    """

    def __init__(
        self,
        projection_dim: int | None = None,
        diag_scale: float = 0.0,
        use_bias: bool = True,
        preactivation: str = "",
        kernel_initializer: str = "truncated_normal",
        bias_initializer: str = "zeros",
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._rank = projection_dim
        self._diag_scale = diag_scale
        self._use_bias = use_bias
        self._activation = activation(preactivation, "preactivation")
        self._kernel_initializer = kernel_initializer
        self._bias_initializer = bias_initializer
        self._seed = seed

    @property
    def kernels(self) -> list[keras.Variable]:
        """W, or U and V, which l2 regularisation acts on. Requires a built layer."""
        return [dense.kernel for dense in self._dense]

    def build(self, input_shape: Any) -> None:
        """Creates W and b for inputs [B, D].

        Raises:
          ConfigError: x0 and x differ in width.
        """
        shapes = list(input_shape) if is_list(input_shape) else [input_shape]
        width = shapes[0][-1]
        if len(shapes) > 2 or any(shape[-1] != width for shape in shapes):
            raise refuse(self.name, "[x0, x] of one shape [B, D]", shapes)
        self._dense = [] if self._rank is None else [self._make(self._rank, "project", False)]
        self._dense.append(self._make(width, "dense", self._use_bias))
        for dense, entering in zip(self._dense, (width, self._rank), strict=False):
            dense.build((None, entering))
        self.built = True

    def _make(self, units: int, part: str, use_bias: bool) -> keras.layers.Dense:
        return keras.layers.Dense(
            units,
            use_bias=use_bias,
            kernel_initializer=initializer(
                self._kernel_initializer, self._seed, f"{self.name}/{part}"
            ),
            bias_initializer=initializer(
                self._bias_initializer, self._seed, f"{self.name}/{part}/bias"
            ),
            name=part,
        )

    def call(self, inputs: tf.Tensor | list[tf.Tensor]) -> tf.Tensor:
        """Returns the crossed x, [B, D], for [x0, x]."""
        pair = inputs if isinstance(inputs, list | tuple) else [inputs]
        first, x = pair[0], pair[-1]
        product = x
        for dense in self._dense:
            product = dense(product)
        if self._diag_scale:
            product += self._diag_scale * x
        return first * self._activation(product) + x
