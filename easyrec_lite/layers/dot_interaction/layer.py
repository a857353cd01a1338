"""DotInteraction: the inner product of every pair of fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.shapes import equal_width, stacked


@LAYERS.implement("DotInteraction")
class DotInteraction(keras.layers.Layer):
    """Computes `⟨v_i, v_j⟩` for each pair j < i of F fields, row by row of the lower triangle.

    List of F tensors [B, D], or [B, F, D] → [B, F(F−1)/2]; [B, F(F+1)/2] with the diagonal;
    [B, F²] with `skip_gather`. No weights. From DLRM (https://arxiv.org/abs/1906.00091).

    Args:
      self_interaction: include `⟨v_i, v_i⟩`.
      skip_gather: leave the products in an F × F matrix with zeros elsewhere.
      name: the layer's name.

    Example:
      >>> fields = tf.constant([[[1.0, 0.0], [2.0, 1.0], [3.0, 3.0]]])
      >>> DotInteraction()(fields).numpy().tolist()
      [[2.0, 3.0, 9.0]]
    """

    def __init__(
        self, self_interaction: bool = False, skip_gather: bool = False, name: str | None = None
    ):
        super().__init__(name=name)
        self._diagonal = 0 if self_interaction else -1
        self._skip_gather = skip_gather

    def build(self, input_shape: Any) -> None:
        """Checks that all fields have the same D, and stores which products are returned."""
        fields, _ = equal_width(self.name, input_shape)
        self._wanted = np.tril(np.ones([fields, fields], np.float32), self._diagonal).reshape(-1)
        self.built = True

    def call(self, inputs: tf.Tensor | Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the products."""
        fields = stacked(inputs)
        products = tf.matmul(fields, fields, transpose_b=True)
        flat = tf.reshape(products, [-1, len(self._wanted)])
        if self._skip_gather:
            return flat * tf.cast(self._wanted, flat.dtype)
        return tf.gather(flat, np.flatnonzero(self._wanted), axis=1)
