"""Towers, and the most common one: a feature group's embeddings through a DNN."""

from __future__ import annotations

import abc
from typing import NamedTuple

import keras
import tensorflow as tf

from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.layers.mlp.build import build_dnn
from easyrec_lite.layers.senet.layer import SENet
from easyrec_lite.models.regularization import embedding_penalty
from easyrec_lite.protos import messages
from easyrec_lite.protos.messages import EasyRecConfig


class TowerOutput(NamedTuple):
    """The output of a tower for R rows.

    Attributes:
      vectors: float32 [R, D], or of a user's K interests [R, K, D]; not normalised.
      penalties: feature group → scalar, if embeddings are regularised.
      augmented: float32 [R, D], the vectors of the augment group, if the tower has one.
      counts: int32 [R], how many of the K interests each row has, the first so many, at least 1;
        None: all.
      steps: float32 [P, D], the vectors of a sequence tower after each of the rows' steps; None: it
        was not asked for them.
      capsules: float32 [R, K, ·], what the K interests were made of, if the tower says so.
      losses: name → scalar, losses of its own; None: it has none, or was not asked for them.
    """

    vectors: tf.Tensor
    penalties: dict[str, tf.Tensor]
    augmented: tf.Tensor | None = None
    counts: tf.Tensor | None = None
    steps: tf.Tensor | None = None
    capsules: tf.Tensor | None = None
    losses: dict[str, tf.Tensor] | None = None


class Tower(abc.ABC):
    """One side of a two-tower model, with its layers built.

    Attributes:
      groups: the feature groups that it reads.
      width: D.
      interests: K, for a tower that makes K vectors of a row, [R, K, D]; 1 for [R, D].
      layers: its Keras layers.
      kernels: the variables that the model's l2 regularisation includes.
    """

    groups: tuple[str, ...]
    width: int
    interests: int = 1
    layers: list[keras.layers.Layer]
    kernels: list[keras.Variable]

    @abc.abstractmethod
    def __call__(self, features: dict[str, FeatureValue], training: bool) -> TowerOutput:
        """Returns the vectors of the R rows of `features`."""

    def with_losses(self, features: dict[str, FeatureValue], training: bool) -> TowerOutput:
        """Returns the vectors of R rows, and the tower's own losses, which are not served."""
        return self(features, training)

    def field_names(self, layer: keras.layers.Layer) -> list[str]:
        """Returns the features that one of its layers reads as fields; [] where it cannot tell."""
        return []


class EmbeddingTower(Tower):
    """The concatenated embeddings of a feature group, and nothing else.

    Args:
      config: the `EasyRecConfig` message.
      embeddings: the `GroupEmbeddings`.
      side: the feature group.
    """

    def __init__(self, config: EasyRecConfig, embeddings: GroupEmbeddings, side: str):
        self.groups, self.width = (side,), embeddings.width(side)
        self.layers, self.kernels = [], embeddings.kernels(side)
        self._embeddings, self._rate = embeddings, config.model_config.embedding_regularization

    def __call__(self, features: dict[str, FeatureValue], training: bool) -> TowerOutput:
        """Returns the vectors [R, D] of the R rows of `features`."""
        (side,) = self.groups
        read = self._embeddings.read(side, features, training)
        penalties = {side: embedding_penalty(read.looked_up, self._rate)} if self._rate else {}
        return TowerOutput(tf.concat(read.fields, axis=-1), penalties)


class FieldTower(Tower):
    """A tower over one feature group: fields → (SENet) → (augment) → DNN.

    Args:
      config: the `EasyRecConfig` message.
      embeddings: the `GroupEmbeddings`.
      side: `user` or `item`: the feature group, and the first part of the layers' names.
      dnn: the `DNN` message; the last of its hidden_units is a plain dense layer.
      seed: the run's seed, from which the layers derive theirs.
      senet: the `SENet` message of a layer that reweights the fields, or None.
      augment_group: a feature group whose vector joins the fields, or None.
    """

    def __init__(
        self,
        config: EasyRecConfig,
        embeddings: GroupEmbeddings,
        side: str,
        dnn: messages.DNN,
        seed: int,
        senet: messages.SENet | None = None,
        augment_group: str | None = None,
    ):
        self.groups: tuple[str, ...] = (side,) if augment_group is None else (side, augment_group)
        self._embeddings = embeddings
        self._rate = config.model_config.embedding_regularization
        self._augment_group = augment_group
        self._senet = None if senet is None else _senet(senet, f"{side}_senet", seed)
        if self._senet is not None:
            self._senet.build([(None, width) for width in embeddings.widths(side)])
        width = sum(embeddings.width(group) for group in self.groups)
        self._dnn = build_dnn(dnn, f"{side}_dnn", seed, width)
        self.width = int(dnn.hidden_units[-1])
        built = [layer for layer in (self._senet, self._dnn) if layer is not None]
        self.layers: list[keras.layers.Layer] = list(built)
        self.kernels = [kernel for group in self.groups for kernel in embeddings.kernels(group)]
        self.kernels += [kernel for layer in built for kernel in layer.kernels]

    def __call__(self, features: dict[str, FeatureValue], training: bool) -> TowerOutput:
        """Returns the vectors [R, D] of the R rows of `features`."""
        read = {group: self._embeddings.read(group, features, training) for group in self.groups}
        penalties = {
            group: embedding_penalty(vectors.looked_up, self._rate)
            for group, vectors in read.items()
            if self._rate
        }
        inputs = read[self.groups[0]].fields
        inputs = [self._senet(inputs)] if self._senet is not None else inputs
        augmented = None
        if self._augment_group is not None:
            augmented = tf.concat(read[self._augment_group].fields, axis=-1)
            inputs = [*inputs, augmented]
        vectors = self._dnn(tf.concat(inputs, axis=-1), training=training)
        return TowerOutput(vectors, penalties, augmented)

    def field_names(self, layer: keras.layers.Layer) -> list[str]:
        """Returns the names of the vectors of its group, which a SENet weights."""
        return self._embeddings.field_names(self.groups[0])


def _senet(message: messages.SENet, name: str, seed: int) -> SENet:
    return SENet(
        reduction_ratio=message.reduction_ratio,
        num_squeeze_group=message.num_squeeze_group,
        use_skip_connection=False,
        use_output_layer_norm=False,
        reduce_initializer="glorot_uniform",
        seed=seed,
        name=name,
    )
