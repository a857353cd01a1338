"""Attention over the steps of a sequence.

Symbols: B rows, L steps in a row, N steps in all, D dim.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.specs.feature import SEQUENCE_COMBINERS
from easyrec_lite.features.pooling import softmax_weights, sum_rows
from easyrec_lite.layers.seeds import derive_seed


@SEQUENCE_COMBINERS.implement("attention")
class AttentionPooling:
    """Softmax over a learned score of each step: out = Σ_t a_t x_t, a = softmax_t(w · x_t).

    The scores come from one dense unit without bias, which would cancel in the softmax. A row
    without steps gives zeros.

    Args:
      feature: the feature.
      name: name of the layer.
      seed: the run's seed.
    """

    def __init__(self, feature: Feature, name: str, seed: int):
        start = keras.initializers.GlorotUniform(seed=derive_seed(seed, name))
        self.layer = keras.layers.Dense(1, use_bias=False, kernel_initializer=start, name=name)
        self.layer.build((None, feature.dim))

    def __call__(self, steps: tf.RaggedTensor, training: bool) -> tf.Tensor:
        """Returns float32 [B, D] of steps ragged [B, (L), D]."""
        rows, count = steps.value_rowids(), steps.nrows()
        weights = softmax_weights(self.layer(steps.values), rows, count)
        return sum_rows(weights * steps.values, rows, count)
