"""CIN: explicit feature crosses, vector by vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.cin.pair_products import pair_products
from easyrec_lite.layers.initializers import initializer
from easyrec_lite.layers.shapes import equal_width, stacked


@LAYERS.implement("CIN")
class CIN(keras.layers.Layer):
    """Compressed interaction network: [B, F, D], or a list of F tensors [B, D] → [B, Σ H_k].

    Layer k: `X_k[h] = relu(Σ_ij W_k[h, i, j] · (X_{k−1}[i] ∘ X_0[j]) + b_k[h])`, h < H_k, with
    X_0 the fields. Each X_k is summed over D, and the sums are joined. From xDeepFM
    (https://arxiv.org/abs/1803.05170). Computed as matrix products a layer, of the products
    [B·D, H_{k−1}·F] with W_k [H_{k−1}·F, H_k], in blocks of rows (`pair_products`).

    Args:
      hidden_feature_sizes: H_k of each layer.
      seed: source of the seeds of the initialisers (he-normal).
      name: the layer's name.

    Example:
      >>> CIN([3, 2])(tf.ones([2, 5, 4])).shape.as_list()
      [2, 5]
    """

    def __init__(self, hidden_feature_sizes: Sequence[int], seed: int = 0, name: str | None = None):
        super().__init__(name=name)
        self._sizes = list(hidden_feature_sizes)
        self._seed = seed

    @property
    def kernels(self) -> list[keras.Variable]:
        """W_k [H_k, H_{k−1}, F], which l2 regularisation acts on. Requires a built layer."""
        return self._kernels

    def build(self, input_shape: Any) -> None:
        """Creates W_k and b_k for F fields of equal D."""
        fields, _ = equal_width(self.name, input_shape)
        self._kernels, self._biases = [], []
        for k, (size, before) in enumerate(zip(self._sizes, [fields, *self._sizes], strict=False)):
            name = f"kernel_{k}"
            start = initializer("he_normal", self._seed, f"{self.name}/{name}")
            self._kernels.append(
                self.add_weight(name=name, shape=(size, before, fields), initializer=start)
            )
            self._biases.append(
                self.add_weight(name=f"bias_{k}", shape=(size,), initializer="zeros")
            )
        self.built = True

    def call(self, inputs: tf.Tensor | Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the joined sums [B, Σ H_k]."""
        # The D entries of a row are independent: each becomes a row of its own, [B·D, F].
        first = tf.transpose(stacked(inputs), [0, 2, 1])
        width, fields = first.shape[1], first.shape[2]
        flat = tf.reshape(first, [-1, fields])
        state, sums = flat, []
        for kernel, bias in zip(self._kernels, self._biases, strict=True):
            size, before, _ = kernel.shape
            weights = tf.transpose(tf.reshape(kernel, [size, before * fields]))
            state = tf.nn.relu(pair_products(state, flat, weights) + bias)
            sums.append(tf.reduce_sum(tf.reshape(state, [-1, width, size]), axis=1))
        return tf.concat(sums, axis=-1)
