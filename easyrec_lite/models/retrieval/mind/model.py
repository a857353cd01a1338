"""MIND: several vectors for a user, one for each interest, by dynamic routing of his history.

Li et al., Multi-Interest Network with Dynamic Routing for Recommendation at Tmall, CIKM 2019.
"""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.config import Pipeline
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features.batch import Batch
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.losses.softmax.interests import max_scores, repeat_first
from easyrec_lite.models.retrieval.mind.extractor import MASKED
from easyrec_lite.models.retrieval.mind.spec import ITEM, SIMILARITY_LOSS
from easyrec_lite.models.retrieval.mind.tower import InterestTower
from easyrec_lite.models.retrieval.similarity import normalize
from easyrec_lite.models.retrieval.task import INTEREST_COUNTS, ITEM_VECTORS, USER_VECTORS
from easyrec_lite.models.retrieval.towers import FieldTower, TowerOutput
from easyrec_lite.models.retrieval.two_tower import TwoTowerModel, joined_text

INTERESTS, CAPSULES, INTEREST_LOGITS = "user_interests", "high_capsules", "interest_logits"
SIMILARITY = "interests_simi"
# From this `simi_pow` on, the nearest interest alone counts.
HARD_ATTENTION = 100


@MODELS.implement("MIND")
class MIND(TwoTowerModel):
    """The interests of a user, mixed by their similarity with the row's own item.

    With s_k = ⟨interest_k, item⟩ · simi_pow, the user's vector in training is `Σ_k softmax(s)_k ·
    interest_k`; it takes the item to compute, so that serving searches with all interests, and an
    item's score is the largest of theirs.
    """

    def __init__(self, pipeline: Pipeline, embeddings: GroupEmbeddings, seed: int):
        config = pipeline.config
        params = config.model_config.mind
        user = InterestTower(config, embeddings, seed)
        item = FieldTower(config, embeddings, ITEM, params.item_dnn, seed)
        super().__init__(pipeline, embeddings, seed, params, user, item)
        self._power, self._most = params.simi_pow, params.max_interests_simi

    def __call__(self, batch: Batch, training: bool) -> Outputs:
        """Returns what a two-tower model does, with one mixed vector of a user, and all interests.

        Predictions: `user_tower_emb` [B, D] mixed, `user_interests` [B, K, D], `user_emb_num` [B],
        `high_capsules` [B, K, ·], `interests_simi` a scalar; out of training listwise also
        `interest_logits` [B, N].
        """
        outputs = super().__call__(batch, training)
        found = outputs.predictions
        found[SIMILARITY] = interest_similarity(found[INTERESTS], found[INTEREST_COUNTS])
        if self.listwise and not training:
            users = repeat_first(found[INTERESTS], found[INTEREST_COUNTS])
            found[INTEREST_LOGITS] = max_scores(users, found[ITEM_VECTORS])
        return outputs

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the losses of two towers, and what interests that are too similar cost."""
        terms = super().losses(outputs, batch)
        if self._most < 1:
            terms[SIMILARITY_LOSS] = tf.nn.relu(outputs.predictions[SIMILARITY] - self._most)
        return terms

    def measures(self, outputs: Outputs) -> dict[str, tf.Tensor]:
        """Returns how similar the interests and the capsules of a user are, from 0 to 1."""
        found = outputs.predictions
        return {
            "interest_similarity": found[SIMILARITY],
            "capsule_similarity": interest_similarity(found[CAPSULES], found[INTEREST_COUNTS]),
        }

    def serve(self, features: dict[str, FeatureValue]) -> dict[str, tf.Tensor]:
        """Returns the outputs of the scorer: `user_tower_emb` [B, D] is mixed for the row's item.

        `user_interests` [B, K, D], `user_emb_num` [B] and `user_emb` are all interests, with zeros
        in place of those that a user does not have.
        """
        served = super().serve(features)
        return {**served, "user_emb": joined_text(served[INTERESTS])}

    def _vectors(self, user: TowerOutput, item: TowerOutput) -> dict[str, tf.Tensor]:
        assert user.counts is not None
        interests, items = self.head.vectors(user.vectors), self.head.vectors(item.vectors)
        present = tf.sequence_mask(user.counts, self.interests)
        own = tf.slice(items, [0, 0], tf.shape(interests[:, 0]))
        scores = tf.reduce_sum(interests * own[:, None], axis=-1) * self._power
        scores = tf.where(present, scores, MASKED)
        if self._power >= HARD_ATTENTION:
            shares = tf.one_hot(tf.argmax(scores, axis=-1), self.interests)
        else:
            shares = tf.nn.softmax(scores)
        interests *= tf.cast(present, tf.float32)[:, :, None]
        return {
            USER_VECTORS: tf.reduce_sum(shares[:, :, None] * interests, axis=1),
            ITEM_VECTORS: items,
            INTERESTS: interests,
            INTEREST_COUNTS: user.counts,
            CAPSULES: user.capsules,
        }


def interest_similarity(vectors: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """Returns the mean of `(1 + cos) / 2` over pairs of a row's vectors, a scalar.

    First over the pairs of a row, then over the rows with more than one vector; 0 without any.

    Args:
      vectors: float32 [B, K, D].
      counts: int32 [B], how many of its K vectors a row has.
    """
    present = tf.sequence_mask(counts, vectors.shape[1], tf.float32)[:, :, None]
    vectors = normalize(vectors) * present
    # Of n unit vectors, ‖Σ v‖² = n + Σ cos over the n (n − 1) ordered pairs.
    number = tf.cast(counts, tf.float32)
    squares = tf.reduce_sum(tf.square(vectors), axis=[1, 2])
    sums = tf.reduce_sum(tf.square(tf.reduce_sum(vectors, axis=1)), axis=-1)
    cosines = tf.math.divide_no_nan(sums - squares, number * (number - 1.0))
    several = tf.cast(counts > 1, tf.float32)
    total = tf.reduce_sum(several * (1.0 + cosines))
    return 0.5 * tf.math.divide_no_nan(total, tf.reduce_sum(several))
