"""BST: a transformer over a sequence, with the target as one of its steps.

1. Steps and target are projected to the hidden width, if they have another one.
2. The target stands before or behind the steps; each position adds its vector; layer norm; dropout.
3. Encoder layers read the real steps and the target.
4. The result is all positions joined, or the one of the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.bst.encoder import EPSILON, EncoderLayer
from easyrec_lite.layers.initializers import initializer
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.layers.shapes import is_list, refuse

POSITION_DEVIATION = 0.02


@LAYERS.implement("BST")
class BST(keras.layers.Layer):
    """Encodes a sequence, and a target that is one of its steps, by a transformer.

    List of steps [B, L, D], lengths int [B] and, optionally, a target [B, D] → all positions
    joined, [B, (P + 1)·hidden_size], without a target [B, P·hidden_size]; or the vector of one
    position [B, hidden_size]: that of the target, without it that of the first step, or with `tail`
    that of the last. Longer sequences are cut to P steps. From the Behavior Sequence Transformer
    (https://arxiv.org/abs/1905.06874).

    Args:
      hidden_size: width of a position.
      num_hidden_layers: number of encoder layers.
      num_attention_heads: number of heads, which divides `hidden_size`.
      intermediate_size: width between the two dense layers of an encoder layer.
      hidden_act: name of their activation; `gelu` is its tanh form.
      hidden_dropout_prob: share of numbers dropped in training.
      attention_probs_dropout_prob: share of attention scores dropped in training.
      max_position_embeddings: P.
      initializer_range: deviation of the encoder's initial kernels.
      output_all_token_embeddings: return all positions.
      target_item_position: `head` or `tail`.
      reserve_target_position: keep a position for the target in the table, also without one.
      seed: source of the seeds of initialisers and dropout.
      name: the layer's name.

    Example:
      >>> bst = BST(8, 1, 2, 16, max_position_embeddings=10)
      >>> bst([tf.ones([2, 5, 4]), tf.constant([5, 1]), tf.ones([2, 4])]).shape.as_list()
      [2, 88]
    """

    def __init__(
        self,
        hidden_size: int,
        num_hidden_layers: int,
        num_attention_heads: int,
        intermediate_size: int,
        hidden_act: str = "gelu",
        hidden_dropout_prob: float = 0.1,
        attention_probs_dropout_prob: float = 0.1,
        max_position_embeddings: int = 512,
        initializer_range: float = 0.02,
        output_all_token_embeddings: bool = True,
        target_item_position: str = "head",
        reserve_target_position: bool = True,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._width, self._positions = hidden_size, max_position_embeddings
        self._all, self._head = output_all_token_embeddings, target_item_position.lower() == "head"
        self._reserve, self._seed = reserve_target_position, seed
        self._norm = keras.layers.LayerNormalization(epsilon=EPSILON, name="norm")
        self._dropout = keras.layers.Dropout(
            hidden_dropout_prob, seed=derive_seed(seed, f"{self.name}/dropout")
        )
        self._layers_of_encoder = [
            EncoderLayer(
                width=hidden_size,
                heads=num_attention_heads,
                hidden=intermediate_size,
                activation=hidden_act,
                dropout=hidden_dropout_prob,
                score_dropout=attention_probs_dropout_prob,
                deviation=initializer_range,
                seed=derive_seed(seed, f"{self.name}/transformer_layer_{i}"),
                name=f"transformer_layer_{i}",
            )
            for i in range(num_hidden_layers)
        ]
        self._project: dict[str, keras.layers.Dense] = {}

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """Returns None: the result has no steps."""

    def build(self, input_shape: Any) -> None:
        """Creates the weights.

        Raises:
          ConfigError: the inputs are no steps, lengths and target, or differ in width.
        """
        if not is_list(input_shape) or len(input_shape) < 2 or len(input_shape[0]) != 3:
            raise refuse(
                self.name,
                "[steps, lengths] or [steps, lengths, target]: [B, L, D], [B], [B, D]",
                input_shape,
            )
        width, has_target = input_shape[0][2], len(input_shape) > 2
        if has_target and input_shape[2][-1] != width:
            raise refuse(self.name, f"a target as wide as the steps, {width}", input_shape[2][-1])
        if width != self._width:
            parts = ("seq_project", "target_project") if has_target else ("seq_project",)
            self._project = {part: self._dense(part, width) for part in parts}
        start = keras.initializers.TruncatedNormal(
            stddev=POSITION_DEVIATION, seed=derive_seed(self._seed, f"{self.name}/positions")
        )
        count = self._positions + (has_target or self._reserve)
        self._table = self.add_weight(
            name="positions", shape=(count, self._width), initializer=start
        )
        for layer in (self._norm, *self._layers_of_encoder):
            layer.build((None, None, self._width))
        self.built = True

    def _dense(self, part: str, inputs: int) -> keras.layers.Dense:
        start = initializer("glorot_uniform", self._seed, f"{self.name}/{part}")
        dense = keras.layers.Dense(
            self._width, activation="relu", kernel_initializer=start, name=part
        )
        dense.build((None, inputs))
        return dense

    def call(
        self, inputs: Sequence[tf.Tensor], training: bool = False, mask: Any = None
    ) -> tf.Tensor:
        """Returns the joined positions, or the vector of one.

        Args:
          inputs: steps, lengths and, if there is one, the target.
          training: whether numbers are dropped.
          mask: list of the boolean [B, L] of the real steps and None for the others: a row without
            steps and target then reads nothing. None: it reads the padding, as in EasyRec.
        """
        strict = any(each is not None for each in mask or [])
        steps, lengths = inputs[0][:, : self._positions], tf.cast(inputs[1], tf.int32)
        lengths = tf.minimum(lengths, self._positions)
        if self._all:
            missing = self._positions - tf.shape(steps)[1]
            steps = tf.pad(steps, [[0, 0], [0, missing], [0, 0]])
        real = tf.sequence_mask(lengths, tf.shape(steps)[1])
        vectors = self._projected("seq_project", tf.where(real[:, :, None], steps, 0.0))
        places = self._places(tf.shape(steps)[1], len(inputs) > 2)
        if len(inputs) > 2:
            target = self._projected("target_project", inputs[2])[:, None]
            seen = tf.ones([tf.shape(target)[0], 1], tf.bool)
            vectors, real = self._beside(target, vectors), self._beside(seen, real)
        vectors = self._dropout(self._norm(vectors + places), training=training)
        for layer in self._layers_of_encoder:
            vectors = layer(vectors, real, strict=strict, training=training)
        return self._output(vectors, lengths, len(inputs) > 2)

    def _projected(self, part: str, value: tf.Tensor) -> tf.Tensor:
        return self._project[part](value) if part in self._project else value

    def _beside(self, target: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
        """Returns what is of the target in front of what is of the steps, or behind it."""
        return tf.concat([target, steps] if self._head else [steps, target], axis=1)

    def _places(self, size: tf.Tensor, has_target: bool) -> tf.Tensor:
        """Returns the vectors of the positions of `size` steps and the target, [·, hidden_size].

        A target behind the steps always has position P: its vector does not depend on the batch.
        """
        table = self._table.value
        if self._head or not has_target:
            return table[: size + int(has_target)]
        return tf.concat([table[:size], table[-1:]], axis=0)

    def _output(self, vectors: tf.Tensor, lengths: tf.Tensor, has_target: bool) -> tf.Tensor:
        if self._all:
            count = self._positions + has_target
            return tf.reshape(vectors, [-1, count * self._width])
        if self._head:
            return vectors[:, 0]
        if has_target:
            return vectors[:, -1]
        return tf.gather(vectors, tf.maximum(lengths - 1, 0), batch_dims=1)
