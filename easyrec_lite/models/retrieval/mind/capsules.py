"""Dynamic routing: from the steps of a history to capsules, one for each interest.

Symbols: R rows, S steps, K capsules, D width of a capsule.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.models.retrieval.mind.extractor import MASKED, InterestExtractor
from easyrec_lite.models.retrieval.similarity import normalize
from easyrec_lite.protos.messages import Capsule

# The seed of the first routing logits out of training, which is EasyRec's.
SERVING_SEED = 28
LEAST_SQUARE = 1e-8


class CapsuleLayer(InterestExtractor):
    """Routes steps to capsules (Li et al., 2019), steps float32 [R, S, ·] → capsules [R, K, D].

    1. ĥ_s = h_s · C, with C learnt. The routing logits b [R, S, K] start at random: in training
       anew for each row and step, otherwise with fixed numbers.
    2. `num_iters` times: w = softmax over K of b, 0 for steps after the end; c_k = Σ_s w_sk ĥ_s;
       then b = scale · ⟨ĥ_s / ‖ĥ_s‖, c_k / ‖c_k‖⟩. b has no gradient.
    3. The last c is squashed: c / ‖c‖ · (n / (1 + n))^squash_pow · scale_ratio, with n = ‖c‖².

    A row has the first `counts` capsules; the others are 0.

    Args:
      config: the `Capsule` message.
      seed: the run's seed.
      name: the layer's name.
    """

    def __init__(self, config: Capsule, seed: int, name: str = "capsule"):
        super().__init__(config, name)
        self._seed = derive_seed(seed, name)
        self._generator = keras.random.SeedGenerator(self._seed)
        shape = (config.max_seq_len, config.max_k)
        draws = np.random.RandomState(SERVING_SEED).uniform(size=shape)
        self._fixed = (draws * config.routing_logits_stddev).astype(np.float32)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates C for steps [..., ·]."""
        start = keras.initializers.GlorotUniform(self._seed)
        shape = (input_shape[-1], self._config.high_dim)
        self.projection = self.add_weight(shape=shape, initializer=start, name="S")
        self.built = True

    def first_logits(self, rows: tf.Tensor, training: bool) -> tf.Tensor:
        """Returns the routing logits before the first iteration, float32 [R, S, K] or [S, K]."""
        if not training:
            return tf.constant(self._fixed)
        shape = (rows, *self._fixed.shape)
        stddev = self._config.routing_logits_stddev
        return keras.random.truncated_normal(shape, stddev=stddev, seed=self._generator)

    def call(self, steps: tf.Tensor, lengths: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the capsules; see `InterestExtractor`. In training the first logits are drawn."""
        config = self._config
        size, most = config.max_seq_len, config.max_k
        steps = steps[:, :size]
        steps = tf.pad(steps, [[0, 0], [0, size - tf.shape(steps)[1]], [0, 0]])
        high = tf.matmul(steps, self.projection.value)
        fixed = tf.stop_gradient(high)
        present = tf.sequence_mask(self.counts(tf.minimum(lengths, size)), most)[:, None]
        real = tf.cast(tf.sequence_mask(lengths, size), tf.float32)[:, :, None]
        logits = self.first_logits(tf.shape(steps)[0], training)
        logits = tf.broadcast_to(logits, [tf.shape(steps)[0], size, most])
        for iteration in range(config.num_iters):
            last = iteration == config.num_iters - 1
            weights = tf.nn.softmax(tf.where(present, logits, MASKED)) * real
            capsules = tf.matmul(weights, high if last else fixed, transpose_a=True)
            if not last:
                logits = self._agreement(fixed, capsules)
        return self._squashed(capsules) * tf.cast(present[:, 0, :, None], tf.float32)

    def _agreement(self, high: tf.Tensor, capsules: tf.Tensor) -> tf.Tensor:
        scale = self._config.routing_logits_scale
        steps = normalize(high) * scale if scale > 0 else high
        return tf.matmul(steps, normalize(capsules), transpose_b=True)

    def _squashed(self, capsules: tf.Tensor) -> tf.Tensor:
        square = tf.reduce_sum(tf.square(capsules), axis=-1, keepdims=True)
        square = tf.maximum(square, LEAST_SQUARE)
        length = tf.pow(square / (1.0 + square), self._config.squash_pow)
        return capsules / tf.sqrt(square) * length * self._config.scale_ratio
