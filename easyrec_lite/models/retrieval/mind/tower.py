"""MIND's user tower: capsules of the history, each joined with the user's own features."""

from __future__ import annotations

import keras
import tensorflow as tf

from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.features.pooling import padded
from easyrec_lite.layers.batch_norm import BatchNorm
from easyrec_lite.layers.mlp.build import build_dnn
from easyrec_lite.models.regularization import embedding_penalty
from easyrec_lite.models.retrieval.mind.capsules import CapsuleLayer
from easyrec_lite.models.retrieval.mind.extractor import MASKED, InterestExtractor
from easyrec_lite.models.retrieval.mind.self_attention import SelfAttentionLayer
from easyrec_lite.models.retrieval.mind.spec import HISTORY, USER, step_width
from easyrec_lite.models.retrieval.towers import Tower, TowerOutput
from easyrec_lite.protos.messages import MIND, Capsule, EasyRecConfig


class InterestTower(Tower):
    """`concat_dnn([capsule_k, user_dnn(user)])` of each of the K capsules of a history.

    A step is the mean of the sequences' vectors, or all of them joined; a sequence of times weights
    it by a softmax over the row.

    Args:
      config: the `EasyRecConfig` message.
      embeddings: the `GroupEmbeddings`.
      seed: the run's seed.

    Attributes:
      capsules: the routing, or the self-attention.
    """

    groups = (HISTORY, USER)

    def __init__(self, config: EasyRecConfig, embeddings: GroupEmbeddings, seed: int):
        params = config.model_config.mind
        self._params, self._embeddings = params, embeddings
        self._rate = config.model_config.embedding_regularization
        names = [feature.name for feature in embeddings.groups[HISTORY]]
        self._history = [name for name in names if name != params.time_id_fea]
        self.interests = int(params.capsule_config.max_k)
        self.width = int(params.concat_dnn.hidden_units[-1])
        width = step_width(embeddings.groups[HISTORY], params)
        dnns = []
        self._before = None
        if params.pre_capsule_dnn.hidden_units:
            before, name = params.pre_capsule_dnn, "pre_capsule_dnn"
            self._before = build_dnn(before, name, seed, width, plain_end=False, rank=3)
            width = params.pre_capsule_dnn.hidden_units[-1]
            dnns.append(self._before)
        self.capsules = _extractor(params.capsule_config, seed)
        self.capsules.build((None, None, width))
        self._norm = BatchNorm(momentum=0.99, epsilon=1e-3, name="user_fea_bn")
        self._norm.build((None, embeddings.width(USER)))
        width = embeddings.width(USER)
        self._user = build_dnn(params.user_dnn, "user_dnn", seed, width, plain_end=False)
        joined = params.capsule_config.high_dim + params.user_dnn.hidden_units[-1]
        self._joined = build_dnn(params.concat_dnn, "concat_dnn", seed, joined, rank=3)
        dnns += [self._user, self._joined]
        self.layers: list[keras.layers.Layer] = [self.capsules, self._norm, *dnns]
        self.kernels = [kernel for dnn in dnns for kernel in dnn.kernels]

    def __call__(self, features: dict[str, FeatureValue], training: bool) -> TowerOutput:
        """Returns the interests [R, K, D], how many each row has, and the capsules [R, K, ·]."""
        steps, lengths, vectors = self._steps(features, training)
        capsules = self.capsules(steps, lengths, training=training)
        read = self._embeddings.read(USER, features, training)
        user = self._norm(tf.concat(read.fields, axis=-1), training=training)
        user = self._user(user, training=training)
        user = tf.repeat(user[:, None], self.interests, axis=1)
        interests = self._joined(tf.concat([capsules, user], axis=-1), training=training)
        penalties = {}
        if self._rate:
            penalties = {
                HISTORY: embedding_penalty(vectors, self._rate),
                USER: embedding_penalty(read.looked_up, self._rate),
            }
        most = self._params.capsule_config.max_seq_len
        counts = self.capsules.counts(tf.minimum(lengths, most))
        return TowerOutput(interests, penalties, counts=counts, capsules=capsules)

    def _steps(
        self, features: dict[str, FeatureValue], training: bool
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """Returns the steps [R, L, ·], their numbers [R], and all vectors that were looked up."""
        specs = {feature.name: feature for feature in self._embeddings.groups[HISTORY]}
        ragged = {name: self._embeddings.steps(HISTORY, name, features[name]) for name in specs}
        vectors = [ragged[name].flat_values for name, spec in specs.items() if spec.rows]
        if all(spec.step_order for spec in specs.values()):  # from the oldest to the newest
            most = self._params.capsule_config.max_seq_len
            ragged = {name: steps[:, -most:] for name, steps in ragged.items()}
        lengths = ragged[next(iter(specs))].row_lengths()
        longest = tf.reduce_max([each.bounding_shape(axis=1) for each in ragged.values()])
        dense = {name: padded(steps, longest) for name, steps in ragged.items()}
        history = [dense[name] for name in self._history]
        if self._params.user_seq_combine == MIND.SUM:
            steps = tf.add_n(history) / len(history)
        else:
            steps = tf.concat(history, axis=-1)
        real = tf.sequence_mask(lengths, longest)
        if self._before is not None:
            steps = self._before(steps, training=training, mask=real)
        if self._params.time_id_fea:
            times = dense[self._params.time_id_fea][:, :, 0]
            steps *= tf.nn.softmax(tf.where(real, times, MASKED))[:, :, None]
        return steps, lengths, vectors


def _extractor(config: Capsule, seed: int) -> InterestExtractor:
    if config.extractor == Capsule.SELF_ATTENTION:
        return SelfAttentionLayer(config, seed)
    return CapsuleLayer(config, seed)
