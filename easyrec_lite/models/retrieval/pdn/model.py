"""PDN: paths from a user by the items of his history to an item.

Li et al., Path-based Deep Network for Candidate Item Matching in Recommenders, SIGIR 2021.
Symbols: B rows, L steps of the longest history.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.config import Pipeline
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features.batch import Batch
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.features.pooling import padded
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.models.regularization import embedding_penalty
from easyrec_lite.models.retrieval.pdn.spec import BIAS, I2I, ITEM, SEQUENCES, TRIGGERS, U2I, USER
from easyrec_lite.models.retrieval.row_model import RowModel
from easyrec_lite.models.retrieval.similarity import SimilarityHead

# Probabilities and their complements are at least this large.
LEAST = 1e-8


class Sequences(NamedTuple):
    """The sequences of a batch.

    Attributes:
      steps: group → float32 [B, L, ·], zeros after the end.
      real: bool [B, L], which steps there are.
      penalties: group → scalar.
    """

    steps: dict[str, tf.Tensor]
    real: tf.Tensor
    penalties: dict[str, tf.Tensor]


class Paths(NamedTuple):
    """The parts of the score of B rows.

    Attributes:
      triggers: float32 [B, L, 1], the user's interest in each item of the history.
      similarities: float32 [B, L, 1], of each item of the history and the row's item.
      bias: float32 [B, 1], or None.
      direct: float32 [B], the direct similarity of user and item, or None.
      real: bool [B, L], which steps there are.
    """

    triggers: tf.Tensor
    similarities: tf.Tensor
    bias: tf.Tensor | None
    direct: tf.Tensor | None
    real: tf.Tensor

    @property
    def score(self) -> tf.Tensor:
        """z, float32 [B], above 0: the sum over the paths, the bias and the direct part."""
        real = tf.cast(self.real, tf.float32)[:, :, None]
        score = tf.reduce_sum(self.triggers * self.similarities * real, axis=[1, 2])
        if self.bias is not None:
            score += tf.nn.softplus(self.bias[:, 0])
        return score if self.direct is None else score + tf.nn.softplus(self.direct)


@MODELS.implement("PDN")
class PDN(RowModel):
    """Computes `P(click) = 1 − e^−z`, z the sum over the history of trigger · similarity.

    trigger = exp(trigger_dnn(u2i_dnn([u2i, i]) + user_dnn(user))); with x = i2i_dnn(i) ·
    item_dnn(item), similarity = exp(sim_dnn([x, x, i2i, item_dnn(item)])): x twice, as in EasyRec.
    The logit is log P, or with `log_odds` log(P / (1 − P)).
    """

    def __init__(self, pipeline: Pipeline, embeddings: GroupEmbeddings, seed: int):
        params = pipeline.config.model_config.pdn
        super().__init__(pipeline, embeddings, seed, params)
        u2i, triggers, i2i = (sum(f.dim for f in embeddings.groups[name]) for name in SEQUENCES)
        user, item = embeddings.width(USER), embeddings.width(ITEM)
        width = params.item_dnn.hidden_units[-1]
        self._user = self.dnn(params.user_dnn, "user_dnn", user)
        self._u2i = self.dnn(params.u2i_dnn, "u2i_dnn", u2i + triggers, rank=3)
        inputs = params.user_dnn.hidden_units[-1]
        self._trigger = self.dnn(params.trigger_dnn, "trigger_dnn", inputs, True, rank=3)
        self._item = self.dnn(params.item_dnn, "item_dnn", item)
        self._i2i = self.dnn(params.i2i_dnn, "i2i_dnn", triggers, rank=3)
        self._sim = self.dnn(params.sim_dnn, "sim_dnn", 3 * width + i2i, True, rank=3)
        self._bias = self._direct = None
        if params.HasField("bias_dnn"):
            self._bias = self.dnn(params.bias_dnn, "bias_dnn", embeddings.width(BIAS), True)
        if params.HasField("direct_user_dnn"):
            self._direct = (
                self.dnn(params.direct_user_dnn, "direct_user_dnn", user, True),
                self.dnn(params.direct_item_dnn, "direct_item_dnn", item, True),
            )
            self._head = SimilarityHead(params.simi_func, scale=params.scale_simi)
            self.add_variables(self._head.variables)

    def __call__(self, batch: Batch, training: bool) -> Outputs:
        """Returns `logits` and `probs` [B]."""
        paths, penalties = self.paths(batch.features, training)
        predictions = self._predictions(paths)
        if not training:
            return Outputs(predictions, {})
        return Outputs(predictions, {**penalties, **self.kernel_penalties()})

    def serve(self, features: dict[str, FeatureValue]) -> dict[str, tf.Tensor]:
        """Returns `logits`, `probs` [B], and as text `trigger_out`, `sim_out` at each step."""
        paths, _ = self.paths(features, False)
        return {
            **self._predictions(paths),
            "trigger_out": _text(paths.triggers, paths.real),
            "sim_out": _text(paths.similarities, paths.real),
        }

    def paths(
        self, features: dict[str, FeatureValue], training: bool
    ) -> tuple[Paths, dict[str, tf.Tensor]]:
        """Returns the parts of the score of B rows, and the penalties on embeddings."""
        found = self._sequences(features)
        steps, penalties = found.steps, found.penalties
        user_vectors, more = self.joined(USER, features, training)
        item_vectors, others = self.joined(ITEM, features, training)
        penalties = {**penalties, **more, **others}
        user = self._user(user_vectors, training=training)
        item = self._item(item_vectors, training=training)
        u2i = self._u2i(tf.concat([steps[U2I], steps[TRIGGERS]], axis=-1), training=training)
        triggers = tf.exp(self._trigger(u2i + user[:, None], training=training))
        product = self._i2i(steps[TRIGGERS], training=training) * item[:, None]
        copies = tf.broadcast_to(item[:, None], tf.shape(product))
        joined = tf.concat([product, product, steps[I2I], copies], axis=-1)
        similarities = tf.exp(self._sim(joined, training=training))
        bias = direct = None
        if self._bias is not None:
            vectors, more = self.joined(BIAS, features, training)
            bias, penalties = self._bias(vectors, training=training), {**penalties, **more}
        if self._direct is not None:
            of_user, of_item = self._direct
            direct = self._head.row_logits(
                self._head.vectors(of_user(user_vectors, training=training)),
                self._head.vectors(of_item(item_vectors, training=training)),
            )
        return Paths(triggers, similarities, bias, direct, found.real), penalties

    def _predictions(self, paths: Paths) -> dict[str, tf.Tensor]:
        score = paths.score
        probs = -tf.math.expm1(-score)
        logits = tf.math.log(tf.clip_by_value(probs, LEAST, 1.0 - LEAST))
        if self.params.log_odds:
            score = tf.maximum(score, LEAST)
            logits = score + tf.math.log(-tf.math.expm1(-score))
        return {"logits": logits, "probs": probs}

    def _sequences(self, features: dict[str, FeatureValue]) -> Sequences:
        """Returns the sequences of all groups, as long as the longest; that of u2i has the ends."""
        ragged = {
            group: [
                self.embeddings.steps(group, feature.name, features[feature.name])
                for feature in self.embeddings.groups[group]
            ]
            for group in SEQUENCES
        }
        every = [steps for group in ragged.values() for steps in group]
        longest = tf.reduce_max([steps.bounding_shape(axis=1) for steps in every])
        steps = {
            group: tf.concat([padded(each, longest) for each in parts], axis=-1)
            for group, parts in ragged.items()
        }
        penalties = {}
        if self.rate:
            for group, parts in ragged.items():
                tables = zip(parts, self.embeddings.groups[group], strict=True)
                vectors = [each.flat_values for each, spec in tables if spec.rows]
                penalties[group] = embedding_penalty(vectors, self.rate)
        return Sequences(steps, tf.sequence_mask(ragged[U2I][0].row_lengths(), longest), penalties)


def _text(values: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
    """Returns [B]: the numbers [B, L, 1] of the steps there are, 4 digits, joined by `;`."""
    texts = tf.strings.as_string(values[:, :, 0], precision=4, shortest=True)
    return tf.strings.reduce_join(tf.ragged.boolean_mask(texts, real), axis=1, separator=";")
