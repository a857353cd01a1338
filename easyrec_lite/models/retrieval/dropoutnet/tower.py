"""The tower of one side: content and preferences, the latter dropped at random in training."""

from __future__ import annotations

import keras
import tensorflow as tf

from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.layers.mlp.build import build_dnn
from easyrec_lite.layers.mlp.layer import DNN
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.models.regularization import embedding_penalty
from easyrec_lite.models.retrieval.dropoutnet.spec import groups_of
from easyrec_lite.models.retrieval.towers import Tower, TowerOutput
from easyrec_lite.protos.messages import EasyRecConfig


class RowDropout(keras.layers.Layer):
    """Sets whole rows to 0 in training, and divides the others by the share that is kept.

    float32 [R, D] → [R, D].

    Args:
      rate: the share of rows that is dropped.
      seed: seed of the draws.
      name: the layer's name.
    """

    def __init__(self, rate: float, seed: int, name: str):
        super().__init__(name=name)
        self._rate = rate
        self._generator = keras.random.SeedGenerator(seed)

    def kept(self, rows: tf.Tensor) -> tf.Tensor:
        """Draws which rows are kept, float32 [R, 1] of 0 and 1."""
        draws = keras.random.uniform([rows, 1], seed=self._generator)
        return tf.cast(draws >= self._rate, tf.float32)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the rows."""
        if not training or not self._rate:
            return inputs
        return inputs * self.kept(tf.shape(inputs)[0]) / (1.0 - self._rate)


class ContentPreferenceTower(Tower):
    """`DNN([content DNN(content), preference DNN(dropped preferences)])`.

    The layers of a part all have batch norm and activation; a part without layers is its vectors.

    Args:
      config: the `EasyRecConfig` message.
      embeddings: the `GroupEmbeddings`.
      side: `user` or `item`.
      seed: the run's seed.
    """

    def __init__(self, config: EasyRecConfig, embeddings: GroupEmbeddings, side: str, seed: int):
        params = config.model_config.dropoutnet
        self.groups = groups_of(side, embeddings.groups)
        self._embeddings, self._rate = embeddings, config.model_config.embedding_regularization
        self._preference = f"{side}_preference"
        name = f"{side}_drop"
        rate = getattr(params, f"{side}_dropout_rate")
        self.drop = RowDropout(rate, derive_seed(seed, name), name)
        self._parts: dict[str, DNN] = {}
        width = 0
        for group in self.groups:
            message, inputs = getattr(params, group), embeddings.width(group)
            if message.hidden_units:
                self._parts[group] = build_dnn(message, group, seed, inputs, plain_end=False)
                inputs = message.hidden_units[-1]
            width += inputs
        tower = getattr(params, f"{side}_tower")
        self._dnn = build_dnn(tower, f"{side}_dnn", seed, width)
        self.width = int(tower.hidden_units[-1])
        dnns = [*self._parts.values(), self._dnn]
        self.layers = [self.drop, *dnns]
        self.kernels = [kernel for dnn in dnns for kernel in dnn.kernels]

    def __call__(self, features: dict[str, FeatureValue], training: bool) -> TowerOutput:
        """Returns the vectors [R, D] of the R rows of `features`."""
        penalties, parts = {}, []
        for group in self.groups:
            read = self._embeddings.read(group, features, training)
            if self._rate:
                penalties[group] = embedding_penalty(read.looked_up, self._rate)
            part = tf.concat(read.fields, axis=-1)
            if group == self._preference:
                part = self.drop(part, training=training)
            if group in self._parts:
                part = self._parts[group](part, training=training)
            parts.append(part)
        return TowerOutput(self._dnn(tf.concat(parts, axis=-1), training=training), penalties)
