"""Self-attention with K heads: from the steps of a history to interests.

Cen et al., Controllable multi-interest framework for recommendation (ComiRec), KDD 2020, after Lin
et al., A structured self-attentive sentence embedding, ICLR 2017.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.models.retrieval.mind.extractor import MASKED, InterestExtractor
from easyrec_lite.models.retrieval.mind.spec import attention_units
from easyrec_lite.protos.messages import Capsule


class SelfAttentionLayer(InterestExtractor):
    """Computes `v_k = Σ_s softmax_s(w_k · tanh(W (ĥ_s + p_s))) ĥ_s`, with `ĥ_s = h_s C`.

    C, W, w_1 … w_K and the places p_1 … p_S are learnt. The places, by which the order counts, are
    in the scores alone. The softmax is over the real steps of a row; a row without any gets zeros.

    Args:
      config: the `Capsule` message, for its sizes.
      seed: the run's seed.
      name: the layer's name.
    """

    def __init__(self, config: Capsule, seed: int, name: str = "self_attention"):
        super().__init__(config, name)
        self._seed = derive_seed(seed, name)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for steps [..., ·]."""
        config, width = self._config, self._config.high_dim
        units = attention_units(config)
        starts = [
            keras.initializers.GlorotUniform(derive_seed(self._seed, name))
            for name in ("S", "W", "w", "places")
        ]
        self.projection = self.add_weight((input_shape[-1], width), starts[0], name="S")
        self.hidden = self.add_weight((width, units), starts[1], name="hidden")
        self.heads = self.add_weight((units, config.max_k), starts[2], name="heads")
        self.places = self.add_weight((config.max_seq_len, width), starts[3], name="places")
        self.built = True

    def call(self, steps: tf.Tensor, lengths: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the interests; see `InterestExtractor`."""
        size, most = self._config.max_seq_len, self._config.max_k
        steps, lengths = steps[:, :size], tf.minimum(lengths, size)
        longest = tf.shape(steps)[1]
        values = tf.matmul(steps, self.projection.value)
        hidden = tf.tanh(tf.matmul(values + self.places.value[:longest], self.hidden.value))
        scores = tf.matmul(hidden, self.heads.value)
        real = tf.sequence_mask(lengths, longest)[:, :, None]
        weights = tf.nn.softmax(tf.where(real, scores, MASKED), axis=1)
        weights = tf.where(real, weights, 0.0)
        interests = tf.matmul(weights, values, transpose_a=True)
        present = tf.sequence_mask(self.counts(lengths), most, tf.float32)
        return interests * present[:, :, None]
