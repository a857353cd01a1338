"""Two-tower models of K vectors a user: logits, losses and what is served, in NumPy."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.losses.softmax.candidates import Candidates
from easyrec_lite.losses.softmax.corrections import Corrections
from easyrec_lite.models.retrieval.task import Retrieval, retrieval_of
from easyrec_lite.models.retrieval.towers import Tower, TowerOutput
from easyrec_lite.models.retrieval.two_tower import TwoTowerModel
from easyrec_lite.serving.recommender import best_items
from tests.losses.test_candidate_losses import FORMULAS, by_hand
from tests.losses.test_candidate_losses import PARAMS as LOSSES
from tests.models.retrieval import small

WIDTH, TEMPERATURE = 4, 0.5
COUNTS = [3, 1, 2, 3, 1]
LISTWISE = small.LISTWISE
POINTWISE = "loss_type: CLASSIFICATION"
CONFIG = 'model_class: "DSSM" %s dssm { ' + small.TOWERS + " temperature: 0.5 scale_simi: false }"


class Interests(Tower):
    """K dense layers over a group, [R, K, D], of which each row has so many as `counts` say."""

    def __init__(self, embeddings: GroupEmbeddings, side: str, interests: int, counted: bool):
        self.groups, self.width, self.interests = (side,), WIDTH, interests
        self._embeddings, self._counted = embeddings, counted
        self._dense = keras.layers.Dense(WIDTH * interests, name=side)
        self._dense.build((None, embeddings.width(side)))
        self.layers, self.kernels = [self._dense], []

    def __call__(self, features: dict[str, FeatureValue], training: bool) -> TowerOutput:
        joined = self._dense(tf.concat(self._embeddings(self.groups[0], features), axis=-1))
        if self.groups == ("item",):
            return TowerOutput(joined, {})
        vectors = tf.reshape(joined, [-1, self.interests, WIDTH])
        return TowerOutput(vectors, {}, counts=tf.constant(COUNTS) if self._counted else None)


class MaxModel(TwoTowerModel):
    """Its user has `INTERESTS` vectors."""

    INTERESTS, COUNTED = 3, False

    def __init__(self, pipeline: Any, embeddings: GroupEmbeddings, seed: int):
        user = Interests(embeddings, "user", self.INTERESTS, self.COUNTED)
        item = Interests(embeddings, "item", 1, False)
        params = pipeline.config.model_config.dssm
        super().__init__(pipeline, embeddings, seed, params, user, item)


class CountedModel(MaxModel):
    """Its users have different numbers of interests."""

    COUNTED = True


class OneModel(MaxModel):
    """K is 1 by its parameters."""

    INTERESTS = 1


class MeanModel(MaxModel):
    """Its score is the mean over the interests."""

    def combine(self, scores: tf.Tensor) -> tf.Tensor:
        """Returns [B, N] of [B, K, N]."""
        return tf.reduce_mean(scores, axis=1)


def made(model: type[MaxModel], loss: str = LISTWISE) -> Any:
    keras.utils.set_random_seed(5)
    pipeline = small.config(CONFIG % loss)
    return model(pipeline, GroupEmbeddings(pipeline, 3), 3)


def scores(predictions: dict[str, tf.Tensor], model: type[MaxModel]) -> np.ndarray:
    """The scores [B, N] over the interests that each user has."""
    users = predictions["user_tower_emb"].numpy()
    each = np.einsum("bkd,nd->bkn", users, predictions["item_tower_emb"].numpy())
    if model is MeanModel:
        return each.mean(axis=1)
    counts = np.array(COUNTS if model.COUNTED else [model.INTERESTS] * len(each))
    missing = np.arange(model.INTERESTS) >= counts[:, None]
    return np.where(missing[:, :, None], -np.inf, each).max(axis=1)


@pytest.mark.parametrize("model", [MaxModel, CountedModel, MeanModel])
def test_logits_and_losses_of_candidates(model: type[MaxModel]) -> None:
    tower, given = made(model), small.batch()
    outputs = tower(given, training=False)
    expected = scores(outputs.predictions, model) / TEMPERATURE
    np.testing.assert_allclose(outputs.predictions["logits"], expected, rtol=1e-5, atol=1e-5)
    losses = tower.losses(tower(given, training=True), given)
    shares = np.exp(expected) / np.exp(expected).sum(axis=1, keepdims=True)
    entropy = -np.log(np.diag(shares)).mean()
    np.testing.assert_allclose(losses["cross_entropy_loss"], entropy, rtol=1e-5)
    negative = np.maximum(-np.diag(expected) * TEMPERATURE, 0).mean()
    np.testing.assert_allclose(losses["reg_pos_loss"], negative, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("model", [MaxModel, CountedModel, MeanModel])
def test_other_losses_of_candidates(model: type[MaxModel], name: str) -> None:
    tower = made(model, f"losses {{ loss_type: {name} {LOSSES[name]} }}")
    given = small.batch(extra={"user_id": tf.constant([4, 4, 5, 4, 6], tf.int64)})
    outputs = tower(given, training=True)
    values = scores(outputs.predictions, model).astype(np.float64)
    values = values if name == "COSINE_CONTRASTIVE_LOSS" else values / TEMPERATURE
    sessions = np.array([0, 0, 1, 0, 2]) if name == "BILATERAL_SOFTMAX_LOSS" else None
    expected = by_hand(name, values, Candidates(), None, Corrections(), sessions)
    found = tower.losses(outputs, given)[name.lower()]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("model", [MaxModel, CountedModel, MeanModel])
def test_logits_of_rows(model: type[MaxModel]) -> None:
    tower, given = made(model, POINTWISE), small.batch()
    predictions = tower(given, training=False).predictions
    expected = np.diag(scores(predictions, model)) / TEMPERATURE
    np.testing.assert_allclose(predictions["logits"], expected, rtol=1e-5, atol=1e-5)
    assert tower.candidate_groups == ()


@pytest.mark.parametrize("model", [MaxModel, CountedModel, MeanModel])
def test_gradients_reach_every_weight_that_has_a_share(model: type[MaxModel]) -> None:
    tower, given = made(model), small.batch()
    with tf.GradientTape() as tape:
        losses = tower.losses(tower(given, training=True), given)
    kernels = {name: v for name, v in tower.trainable.items() if "kernel" in name}
    gradients = tape.gradient(losses["cross_entropy_loss"], kernels)
    assert all(np.any(gradient) for gradient in gradients.values())


def test_a_user_with_fewer_interests_has_copies_of_the_first() -> None:
    tower = made(CountedModel)
    assert isinstance(tower, Retrieval)
    vectors, counts = retrieval_of(tower).user_vectors(small.user_features(5))
    assert counts is not None
    assert counts.numpy().tolist() == COUNTS
    whole = made(MaxModel).user_vectors(small.user_features(5)).vectors.numpy()
    for row, count in enumerate(COUNTS):
        np.testing.assert_allclose(vectors[row, :count], whole[row, :count], rtol=1e-6)
        for interest in range(count, 3):
            np.testing.assert_array_equal(vectors[row, interest], vectors[row, 0])


def test_what_is_served() -> None:
    served = made(CountedModel).serve(small.batch().features)
    assert served["user_tower_emb"].shape == (5, 3, WIDTH)
    assert served["user_emb_num"].numpy().tolist() == COUNTS
    text = served["user_emb"].numpy()[0].decode()
    read = [[float(number) for number in vector.split(",")] for vector in text.split("|")]
    np.testing.assert_allclose(read, served["user_tower_emb"][0], atol=1e-6)
    signatures = made(CountedModel).signatures()
    assert list(signatures) == ["scorer", "user_tower", "item_tower"]
    users = signatures["user_tower"].compute(small.user_features(5))
    assert users.keys() == {"user_tower_emb", "user_emb_num"}


def test_one_interest_is_served_as_one_vector() -> None:
    tower, given = made(OneModel), small.batch()
    predictions = tower(given, training=False).predictions
    assert predictions["user_tower_emb"].shape == (5, WIDTH)
    users = tower.signatures()["user_tower"].compute(small.user_features(5))
    assert {name: value.shape for name, value in users.items()} == {"user_tower_emb": (5, WIDTH)}


@pytest.mark.parametrize("combined", [False, True])
@pytest.mark.parametrize("cells", [7, 10_000])
def test_the_best_items_of_several_interests_in_blocks(combined: bool, cells: int) -> None:
    rng = np.random.default_rng(2)
    users, items = rng.normal(size=(4, 3, 5)), rng.normal(size=(23, 5))
    users, items = users.astype(np.float32), items.astype(np.float32)
    excluded = tf.constant([[0, 3], [2, 22]], tf.int64)
    combine = made(MeanModel).combine if combined else None
    found, rows = best_items(users, items, excluded, tf.constant(6), cells, combine)
    each = np.einsum("bkd,nd->bkn", users, items)
    expected = each.mean(axis=1) if combined else each.max(axis=1)
    expected[[0, 2], [3, 22]] = -np.inf
    order = np.argsort(-expected, axis=1)[:, :6]
    assert rows.numpy().tolist() == order.tolist()
    np.testing.assert_allclose(found, np.take_along_axis(expected, order, 1), rtol=1e-5)
