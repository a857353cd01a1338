"""Convolutions over the steps of a sequence.

Symbols: B rows, L steps in a row, D dim, W width of the result.
"""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.layers import fields_of
from easyrec_lite.checks.specs.feature import SEQUENCE_COMBINERS
from easyrec_lite.layers.text_cnn.layer import TextCNN


@SEQUENCE_COMBINERS.implement("text_cnn")
class TextCnnPooling:
    """Convolutions over the steps, then the largest response of each filter; see `TextCNN`.

    Args:
      feature: the feature.
      name: name of the layer.
      seed: the run's seed.
    """

    def __init__(self, feature: Feature, name: str, seed: int):
        config = feature.config.sequence_combiner.text_cnn
        self._dim = feature.dim
        self.layer = TextCNN(**fields_of(config), seed=seed, name=name)
        self.layer.build((None, config.pad_sequence_length, feature.dim))

    def __call__(self, steps: tf.RaggedTensor, training: bool) -> tf.Tensor:
        """Returns float32 [B, W] of steps ragged [B, (L), D]."""
        return self.layer(steps.to_tensor(shape=[None, None, self._dim]), training=training)
