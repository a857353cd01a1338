"""AuxiliaryLoss: a loss that compares two vectors of each row, such as two views of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.shapes import is_list, refuse


@LAYERS.implement("AuxiliaryLoss")
class AuxiliaryLoss(keras.layers.Layer):
    """Computes a loss of a and b, times its weight; a backbone adds it to the model's losses.

    List [a, b] of float [B, D] → a scalar, a mean over rows:
      - `l2_loss`: ‖a − b‖².
      - `info_nce`: cross-entropy of a_i · b_j / T over j, with j = i as the right one.
      - `nce_loss`: of the 2B vectors z = [a, b], cross-entropy of z_i · z_j / T over j ≠ i, with
        the other vector of the row as the right one (SimCLR, https://arxiv.org/abs/2002.05709).

    The vectors are not normalised.

    Args:
      loss_type: which of these.
      loss_weight: factor of the loss.
      temperature: T.
      name: the layer's name.

    Example:
      >>> a = tf.eye(2)
      >>> float(AuxiliaryLoss("l2_loss")([a, -a]))
      4.0
    """

    def __init__(
        self,
        loss_type: str,
        loss_weight: float = 1.0,
        temperature: float = 0.1,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._type = loss_type.lower()
        self._weight, self._temperature = loss_weight, temperature

    def build(self, input_shape: Any) -> None:
        """Checks the inputs.

        Raises:
          ConfigError: they are not two vectors of one width.
        """
        if not is_list(input_shape) or [len(shape) for shape in input_shape] != [2, 2]:
            raise refuse(
                self.name, "two vectors [B, D], by merge_inputs_into_list: true", input_shape
            )
        if input_shape[0][1] != input_shape[1][1]:
            raise refuse(self.name, "two vectors of one width", input_shape)
        self.built = True

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the weighted loss; 0 without rows."""
        one, other = inputs
        rows = tf.cast(tf.shape(one)[0], tf.float32)
        total = tf.reduce_sum(self._by_row(one, other))
        vectors = 2.0 if self._type == "nce_loss" else 1.0
        return self._weight * tf.math.divide_no_nan(total, vectors * rows)

    def _by_row(self, one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        rows = tf.shape(one)[0]
        if self._type == "l2_loss":
            return tf.reduce_sum(tf.square(one - other), axis=-1)
        if self._type == "info_nce":
            return self._cross_entropy(tf.matmul(one, other, transpose_b=True), tf.range(rows))
        vectors = tf.concat([one, other], axis=0)
        similarity = tf.matmul(vectors, vectors, transpose_b=True)
        similarity = tf.linalg.set_diag(similarity, tf.fill([2 * rows], similarity.dtype.min))
        right = tf.concat([tf.range(rows, 2 * rows), tf.range(rows)], axis=0)
        return self._cross_entropy(similarity, right)

    def _cross_entropy(self, similarity: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
        logits = similarity / self._temperature
        return tf.reduce_logsumexp(logits, axis=-1) - tf.gather(logits, right, batch_dims=1)
