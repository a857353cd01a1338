"""The softmax over items that all rows share, against whole logits in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.losses.softmax import loss as softmax
from easyrec_lite.losses.softmax.objective import Softmax

RNG = np.random.default_rng(5)
ROWS, ITEMS, WIDTH = 19, 7, 4
SOFTMAX = Softmax(None, 1.0)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(softmax, "BLOCK_ROWS", 8)


def drawn(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def expected(
    user: np.ndarray,
    own: np.ndarray,
    own_ids: np.ndarray,
    items: np.ndarray,
    ids: np.ndarray,
    weights: np.ndarray,
    logs: np.ndarray,
) -> float:
    total = 0.0
    for u, p, own_id, w in zip(user.astype(float), own, own_ids, weights, strict=True):
        others = [u @ i - c for i, j, c in zip(items, ids, logs, strict=True) if j != own_id]
        total -= w * (u @ p - np.log(np.exp([u @ p, *others]).sum()))
    return total / weights.sum()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("corrected", [False, True])
def test_loss_and_gradients(weighted: bool, corrected: bool) -> None:
    user, own, items = drawn(ROWS, WIDTH), drawn(ROWS, WIDTH), drawn(ITEMS, WIDTH)
    own_ids, ids = RNG.integers(0, 9, ROWS), RNG.integers(0, 9, ITEMS)
    weights = RNG.uniform(0, 2, ROWS).astype(np.float32) if weighted else np.ones(ROWS, np.float32)
    logs = drawn(ITEMS) if corrected else np.zeros(ITEMS, np.float32)

    @tf.function
    def both(*given: tf.Tensor) -> tuple:
        with tf.GradientTape() as tape:
            tape.watch(given)
            loss = SOFTMAX.shared(
                given[0],
                given[1],
                tf.constant(own_ids),
                given[2],
                tf.constant(ids),
                tf.constant(weights) if weighted else None,
                tf.constant(logs) if corrected else None,
            )
        return loss, tape.gradient(loss, given)

    arrays = [user, own, items]
    loss, gradients = both(*map(tf.constant, arrays))
    rest = (own_ids, items, ids, weights, logs)
    assert loss.numpy() == pytest.approx(expected(user, own, *rest), rel=1e-5)
    for number, gradient in enumerate(gradients):
        cell = tuple(RNG.integers(0, size) for size in arrays[number].shape)
        ends = []
        for step in (1e-3, -1e-3):
            moved = [array.astype(float) for array in arrays]
            moved[number][cell] += step
            ends.append(expected(moved[0], moved[1], own_ids, moved[2], ids, weights, logs))
        assert gradient.numpy()[cell] == pytest.approx((ends[0] - ends[1]) / 2e-3, abs=2e-4)


def test_a_row_whose_item_is_all_there_is_has_no_loss() -> None:
    user, item = tf.constant(drawn(2, WIDTH)), tf.constant(drawn(1, WIDTH))
    own = tf.repeat(item, 2, axis=0)
    ids = tf.constant([3, 3], tf.int64)
    assert SOFTMAX.shared(user, own, ids, item, ids[:1]).numpy() == pytest.approx(0, abs=1e-6)
