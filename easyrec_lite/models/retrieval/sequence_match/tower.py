"""The user tower that reads behaviour in order."""

from __future__ import annotations

import keras
import tensorflow as tf

from easyrec_lite.data.rows.values import DenseSteps, FeatureValue, Steps
from easyrec_lite.features.attention import joined_steps
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.models.regularization import embedding_penalty
from easyrec_lite.models.retrieval.sequence_match.encoder import (
    AttentionLayer,
    HSTULayer,
    Layout,
    RecurrentLayer,
)
from easyrec_lite.models.retrieval.sequence_match.spec import GROUP, history_features
from easyrec_lite.models.retrieval.towers import Tower, TowerOutput
from easyrec_lite.protos.messages import EasyRecConfig, SequenceMatch

NAME = "sequence"


class SequenceTower(Tower):
    """Start vector and history, then a causal encoder; the user's vector is that of the last step.

    The history of a row is the newest `max_seq_len` steps of each sequence of the group; a step's
    vectors are concatenated. Sequences are as long as the first, else those of a served row are cut
    or filled with zeros. Before it stands a start, a learnt vector plus the dense layer of the
    context, so that a user without history has a vector too. Learnt vectors of places, counted from
    the end, are added.

    Args:
      config: the `EasyRecConfig` message.
      embeddings: the `GroupEmbeddings`.
      params: the model's message.
      width: D.
      seed: the run's seed.
    """

    groups = (GROUP,)

    def __init__(
        self,
        config: EasyRecConfig,
        embeddings: GroupEmbeddings,
        params: SequenceMatch,
        width: int,
        seed: int,
    ):
        self.width = width
        self.kernels: list[keras.Variable] = []
        self.most = int(params.max_seq_len)
        self._embeddings, self._rate = embeddings, config.model_config.embedding_regularization
        self._history = [feature.name for feature in history_features(embeddings.groups[GROUP])]
        self._all = params.all_positions
        others = [f for f in embeddings.groups[GROUP] if f.name not in self._history]
        self._context = [feature.name for feature in others]
        widths = [f.width for f in embeddings.groups[GROUP] if f.name in self._history]
        self._project = self._joined = None
        self.layers: list[keras.layers.Layer] = []
        if widths != [width]:
            self._project = self._dense("project", sum(widths), seed)
        if others:
            self._joined = self._dense("context", sum(feature.width for feature in others), seed)
        self._places = self._embedding("places", self.most + 1, seed)
        self._start = self._embedding("start", 1, seed)
        drop = derive_seed(seed, f"{NAME}/drop")
        self._drop = keras.layers.Dropout(
            params.hidden_dropout_prob, seed=drop, name=f"{NAME}_drop"
        )
        self._drop.build((None, width))
        self._encoder = [self._layer(params, k, seed) for k in range(params.num_layers)]
        self._norm = keras.layers.LayerNormalization(epsilon=1e-6, name=f"{NAME}_norm")
        self._norm.build((None, width))
        for layer in self._encoder:
            layer.build((None, width))
        self.layers += [self._drop, *self._encoder, self._norm]

    def __call__(self, features: dict[str, FeatureValue], training: bool) -> TowerOutput:
        """Returns the vectors [R, D] of the rows; in training those of all P steps, too."""
        sequences = {name: self.newest(features[name]) for name in self._history}
        vectors = [self._embeddings.steps(GROUP, name, sequences[name]) for name in self._history]
        context = self._embeddings(GROUP, features, training, only=self._context)
        looked_up = [*(steps.flat_values for steps in vectors), *context]
        penalties = {}
        if self._rate:
            penalties[GROUP] = embedding_penalty(looked_up, self._rate)
        history = joined_steps(vectors).values
        if self._project is not None:
            history = self._project(history)
        lengths = tf.cast(vectors[0].row_lengths(), tf.int64)
        steps, layout, back = self._with_start(history, lengths, context)
        steps += tf.gather(
            tf.convert_to_tensor(self._places.embeddings),
            tf.gather(layout.lengths, layout.rows) - 1 - layout.places,
        )
        steps = self._drop(steps, training=training)
        for layer in self._encoder:
            steps = layer(steps, layout, training=training)
        steps = self._norm(steps)
        last = tf.gather(layout.last(steps), back)
        every = _in_order(steps, layout, back) if training and self._all else None
        return TowerOutput(last, penalties, steps=every)

    def newest(self, value: FeatureValue) -> Steps | DenseSteps:
        """Returns the newest steps of a sequence, as many as the tower reads."""
        assert isinstance(value, Steps | DenseSteps)
        return type(value)(value[0][:, -self.most :])

    def _with_start(
        self, history: tf.Tensor, lengths: tf.Tensor, context: list[tf.Tensor]
    ) -> tuple[tf.Tensor, Layout, tf.Tensor]:
        """Returns the steps [P, D] of rows sorted by length, with a start before those of each row.

        Also returns their layout, and the place of each given row among the sorted ones, int32 [R].
        """
        rows = tf.size(lengths, tf.int64)
        starts = tf.repeat(tf.convert_to_tensor(self._start.embeddings), rows, axis=0)
        if self._joined is not None:
            starts += self._joined(tf.concat(context, axis=-1))
        # The numbers of starts, then of steps, in the order in which they stand side by side.
        own = tf.RaggedTensor.from_row_lengths(
            rows + tf.range(tf.shape(history, tf.int64)[0]), lengths, validate=False
        )
        by_length = tf.argsort(lengths, stable=True)
        order = tf.gather(tf.concat([tf.range(rows)[:, None], own], axis=1), by_length)
        steps = tf.gather(tf.concat([starts, history], axis=0), order.flat_values)
        return steps, Layout(tf.gather(lengths, by_length) + 1), tf.argsort(by_length)

    def _dense(self, name: str, inputs: int, seed: int) -> keras.layers.Dense:
        name = f"{NAME}_{name}"
        start = keras.initializers.GlorotUniform(derive_seed(seed, name))
        dense = keras.layers.Dense(self.width, kernel_initializer=start, name=name)
        dense.build((None, inputs))
        self.layers.append(dense)
        return dense

    def _embedding(self, name: str, rows: int, seed: int) -> keras.layers.Embedding:
        name = f"{NAME}_{name}"
        start = keras.initializers.RandomNormal(stddev=0.02, seed=derive_seed(seed, name))
        layer = keras.layers.Embedding(rows, self.width, embeddings_initializer=start, name=name)
        layer.build((None,))
        self.layers.append(layer)
        return layer

    def _layer(self, params: SequenceMatch, number: int, seed: int) -> keras.layers.Layer:
        name = f"{NAME}_layer_{number}"
        if params.encoder == SequenceMatch.GRU:
            return RecurrentLayer(params.hidden_dropout_prob, seed, name)
        if params.encoder == SequenceMatch.HSTU:
            return HSTULayer(
                params.num_heads, self.most + 1, params.hidden_dropout_prob, seed, name
            )
        return AttentionLayer(
            params.num_heads,
            params.intermediate_size or 4 * self.width,
            params.hidden_act,
            params.hidden_dropout_prob,
            params.attention_probs_dropout_prob,
            params.gated_residual,
            seed,
            name,
        )


def _in_order(steps: tf.Tensor, layout: Layout, order: tf.Tensor) -> tf.Tensor:
    """Returns the steps [P, D] with the rows in another order, int64 [R]."""
    places = tf.RaggedTensor.from_row_lengths(
        tf.range(tf.shape(steps)[0]), layout.lengths, validate=False
    )
    return tf.gather(steps, tf.gather(places, order).flat_values)
