"""One layer of BST's encoder: attention of several heads, then two dense layers."""

from __future__ import annotations

import keras
import tensorflow as tf

from easyrec_lite.layers.activations import activation as activation_layer
from easyrec_lite.layers.attention.heads import join_heads, split_heads
from easyrec_lite.layers.seeds import derive_seed

EPSILON = 1e-12
# What masks a score. It is small enough that a row without real steps still has shares.
MASKED = -10000.0


class EncoderLayer(keras.layers.Layer):
    """Computes `n = LN(x + O·heads(x))`, then `LN(n + W₂ a(W₁ n))`, as BERT does.

    Steps [B, L, width] → [B, L, width]. Kernels start as truncated normal numbers.

    Args:
      width: of the steps.
      heads: number of heads, which divides `width`.
      hidden: width between the two dense layers.
      activation: name of a; `gelu` is its tanh form.
      dropout: share of numbers dropped after each part, in training.
      score_dropout: share of attention scores dropped in training.
      deviation: of the initial kernels.
      seed: source of all seeds.
      name: the layer's name.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        activation: str,
        dropout: float,
        score_dropout: float,
        deviation: float,
        seed: int,
        name: str,
    ):
        super().__init__(name=name)
        self._heads, self._width = heads, width

        def dense(units: int, part: str) -> keras.layers.Dense:
            start = keras.initializers.TruncatedNormal(
                stddev=deviation, seed=derive_seed(seed, f"{name}/{part}")
            )
            return keras.layers.Dense(units, kernel_initializer=start, name=part)

        def dropped(rate: float, part: str) -> keras.layers.Dropout:
            return keras.layers.Dropout(rate, seed=derive_seed(seed, f"{name}/{part}/dropout"))

        self._query, self._key, self._value, self._out = (
            dense(width, part) for part in ("query", "key", "value", "attention_output")
        )
        self._between, self._last = dense(hidden, "intermediate"), dense(width, "output")
        self._attention_norm, self._norm = (
            keras.layers.LayerNormalization(epsilon=EPSILON, name=part)
            for part in ("attention_norm", "norm")
        )
        self._activation = tanh_gelu if activation == "gelu" else activation_layer(activation, "a")
        self._score_dropout = dropped(score_dropout, "scores")
        self._attention_dropout = dropped(dropout, "attention_output")
        self._dropout = dropped(dropout, "output")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights."""
        for layer in (self._query, self._key, self._value, self._out, self._between):
            layer.build(input_shape)
        hidden = (*input_shape[:-1], self._between.units)
        self._last.build(hidden)
        if isinstance(self._activation, keras.layers.Layer):
            self._activation.build(hidden)
        self._attention_norm.build(input_shape)
        self._norm.build(input_shape)
        self.built = True

    def call(
        self, steps: tf.Tensor, real: tf.Tensor, strict: bool = True, training: bool = False
    ) -> tf.Tensor:
        """Returns the steps after this layer.

        Args:
          steps: [B, L, width].
          real: boolean [B, L], the steps that attention reads.
          strict: whether a row without real steps reads nothing; else all steps, as in EasyRec.
          training: whether numbers are dropped.
        """
        query, key, value = (
            split_heads(layer(steps), self._heads)
            for layer in (self._query, self._key, self._value)
        )
        scores = tf.matmul(query, key, transpose_b=True) * (self._width // self._heads) ** -0.5
        seen = real[:, None, None, :]
        shares = tf.nn.softmax(scores + tf.where(seen, 0.0, MASKED))
        shares = tf.where(seen, shares, 0.0) if strict else shares
        shares = self._score_dropout(shares, training=training)
        context = join_heads(tf.matmul(shares, value))
        attended = self._attention_dropout(self._out(context), training=training)
        attended = self._attention_norm(attended + steps)
        output = self._last(self._activation(self._between(attended)))
        return self._norm(self._dropout(output, training=training) + attended)


def tanh_gelu(value: tf.Tensor) -> tf.Tensor:
    """Returns GELU in its tanh form, elementwise."""
    return tf.nn.gelu(value, approximate=True)
