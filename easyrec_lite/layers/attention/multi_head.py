"""MultiHeadAttention: attention of several heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.attention.layer import (
    attention_inputs,
    attention_masks,
    attention_shapes,
)
from easyrec_lite.layers.initializers import initializer
from easyrec_lite.layers.seeds import derive_seed


@LAYERS.implement("MultiHeadAttention")
class MultiHeadAttention(keras.layers.Layer):
    """Computes `Σ_h softmax(Q W_h (K U_h)ᵀ / √key_dim) V S_h O_h`, plus biases.

    List [Q, V] or [Q, V, K] of [B, L_q, D], [B, L, E], [B, L, E], or one tensor for all three →
    [B, L_q, output_shape]; with scores a pair, the scores [B, heads, L_q, L]. See
    `keras.layers.MultiHeadAttention`; https://arxiv.org/abs/1706.03762.

    Args:
      num_heads: number of heads.
      key_dim: width of queries and keys in a head.
      value_dim: width of values in a head; None or 0: `key_dim`.
      dropout: share of scores dropped in training.
      use_bias: whether the dense layers have biases.
      return_attention_scores: give (output, scores).
      use_causal_mask: a step sees no later step.
      output_shape: width of the output; None or 0: D.
      attention_axes: axes that attention goes over; empty: all but batch and features.
      kernel_initializer: name of the kernels' Keras initialiser.
      bias_initializer: name of the biases'.
      seed: source of the seeds of initialisers and dropout.
      name: the layer's name.

    Example:
      >>> MultiHeadAttention(num_heads=2, key_dim=4)(tf.ones([2, 5, 8])).shape.as_list()
      [2, 5, 8]
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
        output_shape: int | None = None,
        attention_axes: Sequence[int] = (),
        kernel_initializer: str = "glorot_uniform",
        bias_initializer: str = "zeros",
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.supports_masking = True
        self._attention = keras.layers.MultiHeadAttention(
            num_heads=num_heads,
            key_dim=key_dim,
            value_dim=value_dim or None,
            dropout=dropout,
            use_bias=use_bias,
            output_shape=output_shape or None,
            attention_axes=tuple(attention_axes) or None,
            kernel_initializer=initializer(kernel_initializer, seed, self.name),
            bias_initializer=initializer(bias_initializer, seed, f"{self.name}/bias"),
            seed=derive_seed(seed, f"{self.name}/dropout"),
            name="attention",
        )
        self._options = {
            "return_attention_scores": return_attention_scores,
            "use_causal_mask": use_causal_mask,
        }

    @property
    def kernels(self) -> list[keras.Variable]:
        """The heads' kernels, which l2 regularisation acts on. Requires a built layer."""
        return [weight for weight in self._attention.weights if weight.name == "kernel"]

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """Returns None: the caller knows which steps of the query are real."""

    def build(self, input_shape: Any) -> None:
        """Creates the weights."""
        self._attention.build(*attention_shapes(self.name, input_shape))
        self.built = True

    def call(
        self, inputs: tf.Tensor | Sequence[tf.Tensor], training: bool = False, mask: Any = None
    ) -> Any:
        """Returns the output, or (output, scores).

        Args:
          inputs: as above.
          training: whether scores are dropped.
          mask: boolean [B, L] of the real steps of each input, or None for an input without
            padding; None for all of them.
        """
        query, value, key = attention_inputs(inputs)
        masks = zip(("query_mask", "value_mask", "key_mask"), attention_masks(mask), strict=True)
        return self._attention(query, value, key, training=training, **dict(masks), **self._options)
