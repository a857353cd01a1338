"""Sequence combiners: the steps of a row into one vector.

Symbols: B rows, L steps in a row, N steps in all, D dim.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from google.protobuf.message import Message

from easyrec_lite.features.pooling import sum_rows
from easyrec_lite.features.specs import FeatureSpec
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.layers.text_cnn.layer import TextCNN
from easyrec_lite.protos import messages


class AttentionPooling:
    """Softmax over a learnt score of each step: out = Σ_t a_t x_t, a = softmax_t(w · x_t).

    The scores come from one dense unit without bias (a bias would cancel in the softmax); only
    steps that are there take part; a row without steps gives zeros.

    Args:
      name: name of the layer.
      dim: D.
      seed: the run's seed.
    """

    def __init__(self, name: str, dim: int, seed: int):
        start = keras.initializers.GlorotUniform(seed=derive_seed(seed, name))
        self.layer = keras.layers.Dense(1, use_bias=False, kernel_initializer=start, name=name)
        self.layer.build((None, dim))

    def __call__(self, steps: tf.RaggedTensor, training: bool) -> tf.Tensor:
        """Returns float32 [B, D] of steps ragged [B, (L), D]."""
        rows, count = steps.value_rowids(), steps.nrows()
        scores = self.layer(steps.values)
        highest = tf.math.unsorted_segment_max(tf.stop_gradient(scores), rows, count)
        raised = tf.exp(scores - tf.gather(highest, rows))
        weighted = sum_rows(raised * steps.values, rows, count)
        return tf.math.divide_no_nan(weighted, sum_rows(raised, rows, count))


class TextCnnPooling:
    """Convolutions over the steps, then the largest response of each filter; see `TextCNN`.

    Args:
      config: the `TextCNN` message.
      name: name of the layer.
      dim: D.
      seed: the run's seed.
    """

    def __init__(self, config: messages.TextCNN, name: str, dim: int, seed: int):
        self._dim = dim
        self.layer = TextCNN(**_arguments(config), seed=seed, name=name)
        self.layer.build((None, config.pad_sequence_length, dim))

    def __call__(self, steps: tf.RaggedTensor, training: bool) -> tf.Tensor:
        """Returns float32 [B, W] of steps ragged [B, (L), D]."""
        return self.layer(steps.to_tensor(shape=[None, None, self._dim]), training=training)


def _arguments(message: Message) -> dict[str, Any]:
    """Returns the fields that are set in a layer's message, by name."""
    given: dict[str, Any] = {}
    for field, value in message.ListFields():
        if hasattr(value, "ListFields"):
            given[field.name] = _arguments(value)
        else:
            given[field.name] = value if isinstance(value, int | float | str) else list(value)
    return given


def make_combiner(spec: FeatureSpec, name: str, seed: int) -> AttentionPooling | TextCnnPooling:
    """Returns the layer that the feature's `sequence_combiner` asks for.

    Raises:
      ConfigError: it is `multi_head_attention`.
    """
    if spec.sequence_combiner == "attention":
        return AttentionPooling(name, spec.dim, seed)
    if spec.sequence_combiner == "text_cnn":
        text_cnn = spec.config.sequence_combiner.text_cnn
        return TextCnnPooling(text_cnn, name, spec.dim, seed)
    raise spec.error(
        f"sequence_combiner {spec.sequence_combiner!r} is not offered",
        "sequence_combiner",
        expected="attention {} or text_cnn {...}",
        found=spec.sequence_combiner,
        remedy="use one of them, or pool the history as a TagFeature",
    )
