"""What turns the steps of a history into interests: routing, or self-attention."""

from __future__ import annotations

import abc

import keras
import tensorflow as tf

from easyrec_lite.protos.messages import Capsule

# The logit of what does not count.
MASKED = -1e32


class InterestExtractor(keras.layers.Layer, abc.ABC):
    """Steps float32 [R, S, ·] → interests [R, K, D], of which row i has the first K_i.

    Args:
      config: the `Capsule` message.
      name: the layer's name.
    """

    def __init__(self, config: Capsule, name: str):
        super().__init__(name=name)
        self._config = config

    def counts(self, lengths: tf.Tensor) -> tf.Tensor:
        """Returns K_i, int32 [R]: `max_k`, or ⌊ln length⌋ within 1 … `max_k`."""
        most = self._config.max_k
        if self._config.const_caps_num:
            return tf.fill([tf.size(lengths)], most)
        # The logarithm of a length below 1 is not used: such a row has 1 interest.
        logs = tf.math.log(tf.cast(tf.maximum(lengths, 1), tf.float32))
        return tf.clip_by_value(tf.cast(tf.floor(logs), tf.int32), 1, most)

    @abc.abstractmethod
    def call(self, steps: tf.Tensor, lengths: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the interests, 0 where a row has fewer than K.

        Args:
          steps: float32 [R, L, ·]; those after the first S are not read.
          lengths: int [R], how many steps of a row are real.
          training: whether it is a training step.
        """
