"""Losses over pairs of vectors, against their formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.losses.metric_learning.loss import PairRows, circle_loss, multi_similarity_loss
from easyrec_lite.protos.messages import CircleLoss, MultiSimilarityLoss

GROUPS = np.array([0, 1, 0, 2, 1, 0])  # row 3 has no positive pair


def rows(weights: Any = None, groups: np.ndarray = GROUPS) -> PairRows:
    vectors = np.random.default_rng(5).normal(size=(len(groups), 4)).astype(np.float32)
    vectors = tf.math.l2_normalize(vectors, axis=1)
    alike = tf.constant(groups[:, None] == groups[None, :])
    similarities = tf.matmul(vectors, vectors, transpose_b=True)
    return PairRows(similarities, alike, None if weights is None else tf.constant(weights))


def parts(given: PairRows, row: int) -> tuple[np.ndarray, np.ndarray]:
    s = given.similarities.numpy()[row].astype(np.float64)
    alike = given.alike.numpy()[row]
    return s[alike & (np.arange(len(s)) != row)], s[~alike]


def circle(given: PairRows, row: int, m: float, gamma: float) -> float:
    near, far = parts(given, row)
    total = np.exp(gamma * np.maximum(far + m, 0) * (far - m)).sum()
    return float(
        np.log1p(total * np.exp(-gamma * np.maximum(1 + m - near, 0) * (near - 1 + m)).sum())
    )


def multi(given: PairRows, row: int, alpha: float, beta: float, lamb: float) -> float:
    near, far = (np.maximum(part, 0) - lamb for part in parts(given, row))
    return float(
        np.log1p(np.exp(-alpha * near).sum()) / alpha + np.log1p(np.exp(beta * far).sum()) / beta
    )


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.0, 3.0, 1.0, 0.5]])
def test_they_are_their_formulas(weights: Any) -> None:
    given = rows(weights)
    shares = np.ones(6) if weights is None else np.array(weights)
    of_circle = [circle(given, row, 0.25, 8) for row in range(6)]
    found = circle_loss(given, CircleLoss(margin=0.25, gamma=8))
    assert found.numpy() == pytest.approx(np.average(of_circle, weights=shares), rel=1e-4)
    assert of_circle[3] == 0
    of_multi = [multi(given, row, 2, 10, 0.5) for row in range(6)]
    found = multi_similarity_loss(given, MultiSimilarityLoss(alpha=2, beta=10, lamb=0.5))
    assert found.numpy() == pytest.approx(np.average(of_multi, weights=shares), rel=1e-4)


@pytest.mark.parametrize("groups", [[0, 1, 2], [0, 0, 0], [0]])
def test_without_pairs_of_a_kind_the_loss_and_its_gradient_are_finite(groups: list[int]) -> None:
    given = rows(groups=np.array(groups))
    for loss, params in (
        (circle_loss, CircleLoss()),
        (multi_similarity_loss, MultiSimilarityLoss()),
    ):
        with tf.GradientTape() as tape:
            tape.watch(given.similarities)
            value = loss(given, params)
        assert np.isfinite(value)
        assert np.isfinite(tape.gradient(value, given.similarities)).all()
    assert circle_loss(given, CircleLoss()).numpy() == 0


def test_the_weights_of_circle_loss_have_no_gradient() -> None:
    """Of one positive and one negative pair: −γ α_p p and γ α_n p, p the sigmoid of the sum."""
    s = np.eye(3, dtype=np.float32)
    s[0, 1], s[0, 2] = 0.4, 0.3
    alike = np.eye(3, dtype=bool)
    alike[0, 1] = True
    similarities = tf.constant(s)
    with tf.GradientTape() as tape:
        tape.watch(similarities)
        loss = 3 * circle_loss(
            PairRows(similarities, tf.constant(alike)), CircleLoss(margin=0.25, gamma=2)
        )
    near, far = 1.25 - 0.4, 0.3 + 0.25
    p = 1 / (1 + np.exp(-(2 * far * (0.3 - 0.25) - 2 * near * (0.4 - 0.75))))
    gradient = tape.gradient(loss, similarities).numpy()[0]
    np.testing.assert_allclose(gradient, [0, -2 * near * p, 2 * far * p], rtol=1e-5, atol=1e-7)
