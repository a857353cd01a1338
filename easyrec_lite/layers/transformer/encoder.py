"""TransformerEncoder: the vectors of tokens and positions through transformer layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.initializers import initializer
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.layers.shapes import is_list, refuse
from easyrec_lite.layers.transformer.block import TransformerBlock


@LAYERS.implement("TransformerEncoder")
class TransformerEncoder(keras.layers.Layer):
    """Encodes tokens by `TransformerBlock`s over `√D · word vector + position`.

    List of token ids int [B, L] and a boolean mask [B, L] → [B, L, hidden_size], or the vector of
    the first token [B, hidden_size]. Positions are sines, then cosines, as in
    https://arxiv.org/abs/1706.03762. Tokens after the first `max_position_embeddings` are not read;
    their vectors are 0, as those of the padding.

    Args:
      hidden_size: D, the width of a token; even.
      num_attention_heads: as of `TransformerBlock`.
      vocab_size: number of different tokens.
      num_hidden_layers: number of blocks.
      hidden_dropout_prob: share of numbers dropped in training, also of the tokens' vectors.
      max_position_embeddings: most tokens of a row that are read.
      output_all_token_embeddings: return all tokens.
      seed: source of the seeds of initialisers and dropout.
      name: the layer's name.
      **block: other arguments of `TransformerBlock`.

    Example:
      >>> encoder = TransformerEncoder(8, 2, vocab_size=10)
      >>> encoder([tf.constant([[3, 5, 0]]), tf.constant([[True, True, False]])]).shape.as_list()
      [1, 3, 8]
    """

    def __init__(
        self,
        hidden_size: int,
        num_attention_heads: int,
        vocab_size: int,
        num_hidden_layers: int = 1,
        hidden_dropout_prob: float = 0.1,
        max_position_embeddings: int = 512,
        output_all_token_embeddings: bool = True,
        seed: int = 0,
        name: str | None = None,
        **block: Any,
    ):
        super().__init__(name=name)
        self._width, self._vocabulary, self._seed = hidden_size, vocab_size, seed
        self._all, self._most = output_all_token_embeddings, max_position_embeddings
        drop_seed = derive_seed(seed, f"{self.name}/dropout")
        self._dropout = keras.layers.Dropout(hidden_dropout_prob, seed=drop_seed)
        self._blocks = [
            TransformerBlock(
                hidden_size,
                num_attention_heads,
                hidden_dropout_prob=hidden_dropout_prob,
                seed=derive_seed(seed, f"{self.name}/layer_{i}"),
                name=f"layer_{i}",
                **block,
            )
            for i in range(num_hidden_layers)
        ]

    @property
    def kernels(self) -> list[keras.Variable]:
        """The kernels of all blocks. Requires a built layer."""
        return [kernel for block in self._blocks for kernel in block.kernels]

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """Returns None: the caller knows which tokens are real."""

    def build(self, input_shape: Any) -> None:
        """Creates the weights.

        Raises:
          ConfigError: the input is not made of ids and a mask.
        """
        if not is_list(input_shape) or [len(shape) for shape in input_shape] != [2, 2]:
            raise refuse(self.name, "[token ids, mask], each [B, L], as of raw_input", input_shape)
        start = initializer("random_uniform", self._seed, f"{self.name}/words")
        shape = (self._vocabulary, self._width)
        self._words = self.add_weight(name="words", shape=shape, initializer=start)
        for block in self._blocks:
            block.build((None, None, self._width))
        self.built = True

    def call(self, inputs: Sequence[tf.Tensor], training: bool = False) -> tf.Tensor:
        """Returns the vectors of all tokens, or of the first one; 0 for a row without tokens."""
        ids, real = inputs
        places = tf.range(tf.shape(ids)[1])
        real = real & (places < self._most)
        words = tf.gather(self._words.value, tf.where(real, ids, 0)) * self._width**0.5
        steps = self._dropout(words + sinusoids(places, self._width), training=training)
        for block in self._blocks:
            steps = block([steps, real], training=training)
        steps = tf.where(real[:, :, None], steps, 0.0)
        return steps if self._all else steps[:, 0]


def sinusoids(places: tf.Tensor, width: int) -> tf.Tensor:
    """Returns the vectors of positions int [L], float32 [L, width]: sines, then cosines."""
    rates = tf.constant(10000.0 ** -(np.arange(width // 2) / (width / 2)), tf.float32)
    angles = tf.cast(places, tf.float32)[:, None] * rates
    return tf.concat([tf.sin(angles), tf.cos(angles)], axis=-1)
