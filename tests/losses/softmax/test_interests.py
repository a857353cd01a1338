"""The softmax over candidates that K interests of a user compete for, in blocks and whole."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.losses.softmax import loss as softmax
from easyrec_lite.losses.softmax.candidates import Candidates, item_numbers
from easyrec_lite.losses.softmax.corrections import Corrections
from easyrec_lite.losses.softmax.interests import nearest_interests, repeat_first
from easyrec_lite.losses.softmax.loss import (
    candidate_logits,
    in_batch_softmax,
    softmax_of_logits,
)

RNG = np.random.default_rng(11)
ROWS, SAMPLED, INTERESTS, WIDTH = 19, 6, 3, 5
COLUMNS = ROWS + SAMPLED


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(softmax, "BLOCK_ROWS", 8)


def drawn(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def cases() -> dict[str, tuple[Candidates, Corrections]]:
    ids = item_numbers(tf.constant(np.arange(ROWS) % 7), tf.constant([1, 3, 90, 91, 92, 93]), 6)
    logs = tf.constant(np.log(RNG.uniform(0.05, 1, COLUMNS)), tf.float32)
    pairs = tf.constant([[2, 1], [5, 0], [18, 1]], tf.int64)
    return {
        "plain": (Candidates(), Corrections()),
        "masks": (Candidates(ids=ids, hard_pairs=pairs), Corrections()),
        "sampled alone": (Candidates(in_batch=False), Corrections()),
        "logq": (Candidates(), Corrections(logs)),
        "logq of negatives, masks": (Candidates(ids=ids), Corrections(logs, of_positive=False)),
        "hardest": (Candidates(), Corrections(hardest=4)),
    }


@pytest.mark.parametrize("name", cases())
@pytest.mark.parametrize("weighted", [False, True])
def test_loss_and_gradients_agree_with_those_of_whole_logits(name: str, weighted: bool) -> None:
    candidates, corrections = cases()[name]
    user, items = tf.constant(drawn(ROWS, INTERESTS, WIDTH)), tf.constant(drawn(COLUMNS, WIDTH))
    weights = tf.constant(RNG.uniform(0, 2, ROWS).astype(np.float32)) if weighted else None

    @tf.function
    def both() -> tuple:
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([user, items])
            blocks = in_batch_softmax(user, items, candidates, weights, corrections)
            logits = tf.reduce_max(tf.einsum("bkd,nd->bkn", user, items), axis=1)
            whole = softmax_of_logits(logits, candidates, weights, corrections)
        return (blocks, *tape.gradient(blocks, [user, items])), (
            whole,
            *tape.gradient(whole, [user, items]),
        )

    for ours, theirs in zip(*both(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6, rtol=2e-5)


def test_logits_are_the_largest_of_the_interests() -> None:
    user, items = drawn(4, INTERESTS, WIDTH), drawn(9, WIDTH)
    expected = np.einsum("bkd,nd->bkn", user, items).max(axis=1)
    found = candidate_logits(tf.constant(user), tf.constant(items), Candidates())
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_copies_of_the_first_interest_change_neither_loss_nor_gradients() -> None:
    """A user with fewer interests: places that only repeat the first one learn nothing."""
    counts = tf.constant([1 + row % INTERESTS for row in range(ROWS)])
    items = tf.constant(drawn(COLUMNS, WIDTH))
    vectors = tf.constant(drawn(ROWS, INTERESTS, WIDTH))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(vectors)
        filled = in_batch_softmax(repeat_first(vectors, counts), items)
        scores = tf.einsum("bkd,nd->bkn", vectors, items)
        missing = tf.range(INTERESTS)[None, :] >= counts[:, None]
        scores = tf.where(missing[:, :, None], -np.inf, scores)
        masked = softmax_of_logits(tf.reduce_max(scores, axis=1), Candidates())
    np.testing.assert_allclose(filled, masked, rtol=1e-5)
    ours, theirs = tape.gradient(filled, vectors), tape.gradient(masked, vectors)
    np.testing.assert_allclose(ours, theirs, atol=2e-6)
    assert not ours.numpy()[missing.numpy()].any()


def test_the_lowest_of_equal_interests_finds_an_item() -> None:
    users = tf.constant([[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]])
    items = tf.constant([[[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]])
    assert nearest_interests(users, items).numpy().tolist() == [[0, 1, 0]]
