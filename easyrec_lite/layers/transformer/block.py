"""TransformerBlock: attention of several heads, then two dense layers."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.activations import activation as activation_layer
from easyrec_lite.layers.attention.multi_head import MultiHeadAttention
from easyrec_lite.layers.initializers import initializer
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.layers.shapes import is_list, refuse

EPSILON = 1e-6


@LAYERS.implement("TransformerBlock")
class TransformerBlock(keras.layers.Layer):
    """Computes `n = LN(x + heads(x))`, then `LN(n + W₂ a(W₁ n))`, over the real steps.

    Steps x [B, L, hidden_size], or a list of it and a boolean mask [B, L] → [B, L, hidden_size].
    See https://arxiv.org/abs/1706.03762; normalisation comes after each part.

    Args:
      hidden_size: width of the steps.
      num_attention_heads: number of heads, which divides `hidden_size`.
      intermediate_size: width between the two dense layers; None: `hidden_size`.
      hidden_act: name of a.
      hidden_dropout_prob: share of numbers dropped after each part, in training.
      attention_probs_dropout_prob: share of attention scores dropped in training.
      seed: source of the seeds of initialisers and dropout.
      name: the layer's name.
      **others: the fields of the message that only `TransformerEncoder` reads.

    Example:
      >>> block = TransformerBlock(hidden_size=8, num_attention_heads=2)
      >>> block([tf.ones([2, 5, 8]), tf.ones([2, 5], tf.bool)]).shape.as_list()
      [2, 5, 8]
    """

    def __init__(
        self,
        hidden_size: int,
        num_attention_heads: int,
        intermediate_size: int | None = None,
        hidden_act: str = "relu",
        hidden_dropout_prob: float = 0.1,
        attention_probs_dropout_prob: float = 0.0,
        seed: int = 0,
        name: str | None = None,
        **others: Any,
    ):
        super().__init__(name=name)
        self.supports_masking = True
        self._width, self._seed = hidden_size, seed
        self._attention = MultiHeadAttention(
            num_attention_heads,
            hidden_size // num_attention_heads,
            dropout=attention_probs_dropout_prob,
            seed=derive_seed(seed, f"{self.name}/attention"),
            name="attention",
        )
        self._between = self._dense(intermediate_size or hidden_size, "intermediate")
        self._last = self._dense(hidden_size, "output")
        self._activation = activation_layer(hidden_act, "activation")
        self._norms = [
            keras.layers.LayerNormalization(epsilon=EPSILON, name=part)
            for part in ("attention_norm", "norm")
        ]
        self._dropouts = [
            keras.layers.Dropout(hidden_dropout_prob, seed=derive_seed(seed, f"{self.name}/{part}"))
            for part in ("attention_dropout", "dropout")
        ]

    def _dense(self, units: int, part: str) -> keras.layers.Dense:
        start = initializer("glorot_uniform", self._seed, f"{self.name}/{part}")
        return keras.layers.Dense(units, kernel_initializer=start, name=part)

    @property
    def kernels(self) -> list[keras.Variable]:
        """The kernels of heads and dense layers. Requires a built layer."""
        return [*self._attention.kernels, self._between.kernel, self._last.kernel]

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """Returns None: the caller knows which steps are real."""

    def build(self, input_shape: Any) -> None:
        """Creates the weights for steps [B, L, hidden_size].

        Raises:
          ConfigError: the steps have another width.
        """
        shape = tuple(input_shape[0] if is_list(input_shape) else input_shape)
        if len(shape) != 3 or shape[2] != self._width:
            raise refuse(self.name, f"steps [B, L, {self._width}], and a mask [B, L]", input_shape)
        self._attention.build(shape)
        self._between.build(shape)
        hidden = (*shape[:2], self._between.units)
        self._activation.build(hidden)
        self._last.build(hidden)
        for norm in self._norms:
            norm.build(shape)
        self.built = True

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> tf.Tensor:
        """Returns the steps after this layer.

        Args:
          inputs: the steps; or steps and mask.
          training: whether numbers are dropped.
          mask: boolean [B, L] of the real steps, where `inputs` has none; None: all.
        """
        steps, real = inputs if isinstance(inputs, list | tuple) else (inputs, mask)
        real = None if real is None else tf.cast(real, tf.bool)
        masks = None if real is None else [real, real]
        attended = self._attention([steps, steps], training=training, mask=masks)
        attended = self._norms[0](steps + self._dropouts[0](attended, training=training))
        output = self._last(self._activation(self._between(attended)))
        return self._norms[1](attended + self._dropouts[1](output, training=training))
