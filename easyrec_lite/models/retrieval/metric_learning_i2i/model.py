"""CoMetricLearningI2I: vectors of items, such that those of a session are close."""

from __future__ import annotations

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.config import Pipeline
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features.batch import Batch
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.layers.batch_norm import BatchNorm
from easyrec_lite.layers.highway.layer import Highway
from easyrec_lite.layers.mlp.build import build_dnn
from easyrec_lite.losses.metric_learning.loss import PairRows
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.losses.terms import loss_terms
from easyrec_lite.models.base import REGULARIZATION, Model, Signature
from easyrec_lite.models.regularization import embedding_penalty, kernel_penalty
from easyrec_lite.models.retrieval.metric_learning_i2i.spec import groups_of, parameters_of
from easyrec_lite.models.retrieval.similarity import normalize
from easyrec_lite.models.retrieval.task import Combine, UserVectors, tower_signatures
from easyrec_lite.models.retrieval.two_tower import joined_text

SIMILARITIES, ALIKE = "similarities", "alike"
GATE_BIAS = -1.0


@MODELS.implement("CoMetricLearningI2I")
class CoMetricLearningI2I(Model):
    """`DNN([input, highway(group), …])`, compared by cosine among the rows of a batch.

    Attributes:
      user_groups, item_groups: the tower's groups: an item is looked up by an item.
      interests, combine: one vector, as it is.
      listwise: False.
    """

    interests = 1
    combine: Combine | None = None
    listwise = False

    def __init__(self, pipeline: Pipeline, embeddings: GroupEmbeddings, seed: int):
        super().__init__(pipeline, embeddings, seed)
        config = pipeline.config
        self.params = params = config.model_config.metric_learning
        (self._term,) = loss_terms(config.model_config)[:1]
        self._loss_params = getattr(params, parameters_of(self._term.loss_type))
        self._rate = config.model_config.embedding_regularization
        self.user_groups = self.item_groups = groups_of(params)
        labels = list(config.data_config.label_fields)
        self._label = next(label for label in labels if label != params.session_id)
        self.extra_columns = (params.session_id,) if params.session_id else ()
        width = embeddings.width(params.input) if params.input else 0
        self._highways: list[tuple[str, BatchNorm, Highway]] = []
        for number, message in enumerate(params.highway):
            inputs = embeddings.width(message.input)
            norm = BatchNorm(momentum=0.99, epsilon=1e-3, name=f"highway_{message.input}_bn")
            norm.build((None, inputs))
            highway = Highway(
                message.emb_size,
                activation=_gelu,
                init_gate_bias=GATE_BIAS,
                seed=seed,
                name=f"highway_{number}",
            )
            highway.build((None, inputs))
            self._highways.append((message.input, norm, highway))
            width += message.emb_size
        self._dnn = build_dnn(params.dnn, "dnn", seed, width)
        for layer in (*(x for _, *pair in self._highways for x in pair), self._dnn):
            self.add_layer(layer)

    def __call__(self, batch: Batch, training: bool) -> Outputs:
        """Returns the vectors `float_emb`, `norm_emb` [B, D], and what losses and metrics compare.

        `similarities` float32 [B, B] and `alike` bool [B, B], as of `PairRows`.
        """
        vectors, penalties = self._vectors(batch.features, training)
        norm = normalize(vectors)
        predictions = {
            "float_emb": vectors,
            "norm_emb": norm,
            SIMILARITIES: tf.matmul(norm, norm, transpose_b=True),
            ALIKE: self._alike(batch),
        }
        if training and self.params.l2_regularization:
            rate = self.params.l2_regularization
            penalties["kernels"] = kernel_penalty(self._dnn.kernels, rate)
        return Outputs(predictions, penalties if training else {})

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the loss of the pairs, and the penalties."""
        found, term = outputs.predictions, self._term
        rows = PairRows(found[SIMILARITIES], found[ALIKE], batch.weights)
        loss = LOSSES.get(term.loss_type)(rows, self._loss_params)
        terms = {term.name: term.weight * loss}
        if outputs.penalties:
            terms[REGULARIZATION] = tf.add_n(list(outputs.penalties.values()))
        return terms

    def user_vectors(self, features: dict[str, FeatureValue]) -> UserVectors:
        """Returns the vectors of B items to look up others by, [B, 1, D], as served."""
        return UserVectors(self.item_vectors(features)[:, None])

    def item_vectors(self, features: dict[str, FeatureValue]) -> tf.Tensor:
        """Returns the vectors of N items, float32 [N, D], as served."""
        vectors, _ = self._vectors(features, False)
        return normalize(vectors) if self.params.output_l2_normalized_emb else vectors

    def signatures(self) -> dict[str, Signature]:
        """Returns the functions to export: `scorer`, `user_tower` and `item_tower`."""
        return {**super().signatures(), **tower_signatures(self)}

    def serve(self, features: dict[str, FeatureValue]) -> dict[str, tf.Tensor]:
        """Returns both forms of the vectors [B, D], and as texts `embedding`, `norm_embedding`."""
        vectors, _ = self._vectors(features, False)
        norm = normalize(vectors)
        return {
            "float_emb": vectors,
            "norm_emb": norm,
            "embedding": joined_text(vectors),
            "norm_embedding": joined_text(norm),
        }

    def _vectors(
        self, features: dict[str, FeatureValue], training: bool
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Returns the vectors [R, D], not normalised, and the penalties on embeddings."""
        penalties: dict[str, tf.Tensor] = {}
        parts = []
        if self.params.input:
            parts.append(self._group(self.params.input, features, training, penalties))
        for group, norm, highway in self._highways:
            joined = self._group(group, features, training, penalties)
            parts.append(highway(norm(joined, training=training), training=training))
        return self._dnn(tf.concat(parts, axis=-1), training=training), penalties

    def _group(
        self,
        group: str,
        features: dict[str, FeatureValue],
        training: bool,
        penalties: dict[str, tf.Tensor],
    ) -> tf.Tensor:
        read = self.embeddings.read(group, features, training)
        if self._rate:
            penalties[group] = embedding_penalty(read.looked_up, self._rate)
        return tf.concat(read.fields, axis=-1)

    def _alike(self, batch: Batch) -> tf.Tensor:
        labels = batch.labels[self._label]
        alike = labels[:, None] == labels[None, :]
        if not self.params.session_id:
            return alike
        sessions = batch.extra[self.params.session_id]
        return alike & (sessions[:, None] == sessions[None, :])


def _gelu(name: str) -> keras.layers.Layer:
    return keras.layers.Activation(lambda x: tf.nn.gelu(x, approximate=True), name=name)
