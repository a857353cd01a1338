"""Attention over the sequences of a feature group, as in DIN (arXiv:1706.06978).

Symbols: B rows, L steps in a row, N steps in all, D width of the joined histories.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from easyrec_lite.checks.attention import SequenceAttention
from easyrec_lite.features.pooling import softmax_weights, sum_rows
from easyrec_lite.layers.mlp.build import build_dnn
from easyrec_lite.layers.seeds import derive_seed


class HistoryAttention:
    """Pools the steps of a group's histories by their similarity to its keys.

    With key k [B, D] and steps h [B, (L), D], the network `seq_dnn` scores each step from
    [k, h, k − h, k · h]; the output is Σ_t softmax_t(score) h_t, then the extra histories pooled
    by the same weights, then the key if `need_key_feature`. A row without steps gives zeros.

    A narrower key is padded with zeros to D; if the config `transforms`, dense layers project key
    and steps instead, and the projected steps are pooled.

    Args:
      attention: what the config says.
      seed: the run's seed.

    Attributes:
      layers: its Keras layers, built.
      kernels: the kernels of `seq_dnn`, which the model's l2 regularisation includes.
    """

    def __init__(self, attention: SequenceAttention, seed: int):
        self._attention, self._width = attention, attention.history_width
        message = attention.config.seq_dnn
        self._score = build_dnn(
            message, attention.layer_name, seed, 4 * self._width, units=attention.units
        )
        self._normalises = message.use_bn and len(attention.units) > 1
        self._project: dict[str, keras.layers.Dense] = {}
        if attention.transforms:
            self._project = {
                "key": self._dense("key", attention.key_width, seed),
                "history": self._dense("history", self._width, seed),
            }
        self.layers: list[keras.layers.Layer] = [self._score, *self._project.values()]
        self.kernels = self._score.kernels

    def __call__(
        self,
        key: tf.Tensor,
        histories: Sequence[tf.RaggedTensor],
        extras: Sequence[tf.RaggedTensor],
        training: bool,
    ) -> tf.Tensor:
        """Returns the output of B rows, float32 [B, `attention.width`].

        Args:
          key: the keys' joined vectors, float32 [B, D_k].
          histories: the steps of each history, ragged float32 [B, (L), D_f].
          extras: those of each extra history.
          training: whether it is training.
        """
        steps = joined_steps(histories)
        if self._project:
            key = self._project["key"](key)
        padded_key = tf.pad(key, [[0, 0], [0, self._width - key.shape[-1]]])
        values, scores = self._scored(padded_key, steps, training)
        rows, count = steps.value_rowids(), steps.nrows()
        weights = softmax_weights(scores, rows, count)
        parts = [values, *(aligned(extra, steps).values for extra in extras)]
        pooled = [sum_rows(weights * part, rows, count) for part in parts]
        config = self._attention.config
        if config.need_key_feature:
            pooled.append(padded_key if config.allow_key_transform else key)
        return tf.concat(pooled, axis=-1)

    def _scored(
        self, key: tf.Tensor, steps: tf.RaggedTensor, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the vector of each step as it is pooled, float32 [N, D], and its score [N, 1].

        In training, batch normalisation takes its moments over all B · L steps, padding included,
        as in EasyRec: other moments would give a trained network another meaning.
        """
        with_padding = training and self._normalises
        if with_padding:
            padded = steps.to_tensor(shape=[None, None, self._width])
            most = tf.shape(padded, tf.int64)[1]
            values = tf.reshape(padded, [-1, self._width])
            rows = tf.repeat(tf.range(steps.nrows()), tf.fill([steps.nrows()], most))
        else:
            values, rows = steps.values, steps.value_rowids()
        if self._project:
            values = self._project["history"](values)
        scores = self._score(_compared(tf.gather(key, rows), values), training=training)
        if not with_padding:
            return values, scores
        real = tf.reshape(tf.sequence_mask(steps.row_lengths(), most), [-1])
        return tf.boolean_mask(values, real), tf.boolean_mask(scores, real)

    def _dense(self, part: str, inputs: int, seed: int) -> keras.layers.Dense:
        name = f"{self._attention.layer_name}_{part}"
        start = keras.initializers.GlorotUniform(seed=derive_seed(seed, name))
        layer = keras.layers.Dense(self._width, kernel_initializer=start, name=name)
        layer.build((None, inputs))
        return layer


def joined_steps(histories: Sequence[tf.RaggedTensor]) -> tf.RaggedTensor:
    """Returns the histories' steps joined, ragged [B, (L), ΣD_f], as long as those of the first."""
    first = histories[0]
    values = [history.values for history in (first, *(aligned(h, first) for h in histories[1:]))]
    return first.with_values(tf.concat(values, axis=-1))


def aligned(history: tf.RaggedTensor, first: tf.RaggedTensor) -> tf.RaggedTensor:
    """Returns a history with as many steps a row as `first`: cut, or filled with zeros at the end.

    Training and evaluation refuse rows of unequal lengths before; a served row may have some.
    """
    lengths = first.row_lengths()

    def cut() -> tf.Tensor:
        padded = history.to_tensor(shape=[None, None, history.shape[-1]])
        short = tf.maximum(tf.reduce_max(lengths) - tf.shape(padded, tf.int64)[1], 0)
        padded = tf.pad(padded, [[0, 0], [0, short], [0, 0]])
        return tf.boolean_mask(padded, tf.sequence_mask(lengths, tf.shape(padded)[1]))

    same = tf.reduce_all(history.row_splits == first.row_splits)
    return first.with_values(
        tf.ensure_shape(tf.cond(same, lambda: history.values, cut), [None, history.shape[-1]])
    )


def _compared(key: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    """Returns [k, h, k − h, k · h], float32 [N, 4D], of keys and steps [N, D]."""
    return tf.concat([key, steps, key - steps, key * steps], axis=-1)
