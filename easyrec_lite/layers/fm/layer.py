"""FM: all pairwise products of fields in linear time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.shapes import equal_width, stacked


@LAYERS.implement("FM")
class FM(keras.layers.Layer):
    """Computes `Σ_{i<j} v_i ∘ v_j = ½ ((Σ v)² − Σ v²)` over F fields, summed over D.

    List of F tensors [B, D], or [B, F, D] → [B, 1]; [B, D] with `use_variant`. No weights. From
    Factorization Machines (Rendle, ICDM 2010); the variant is the bi-interaction pooling of NFM
    (https://arxiv.org/abs/1708.05027).

    Args:
      use_variant: do not sum over D.
      name: the layer's name.

    Example:
      >>> FM()([tf.constant([[1.0, 2.0]]), tf.constant([[3.0, 4.0]])]).numpy().tolist()
      [[11.0]]
    """

    def __init__(self, use_variant: bool = False, name: str | None = None):
        super().__init__(name=name)
        self._use_variant = use_variant

    def build(self, input_shape: Any) -> None:
        """Checks that all fields have the same D.

        Raises:
          ConfigError: they differ.
        """
        equal_width(self.name, input_shape)
        self.built = True

    def call(self, inputs: tf.Tensor | Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the sum of the fields' pairwise products."""
        fields = stacked(inputs)
        square_of_sum = tf.square(tf.reduce_sum(fields, axis=1))
        pairs = 0.5 * (square_of_sum - tf.reduce_sum(tf.square(fields), axis=1))
        return pairs if self._use_variant else tf.reduce_sum(pairs, axis=-1, keepdims=True)
