"""logQ by its outcome: the corrected softmax agrees with that over all items, the plain one not."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.losses.softmax.candidates import Candidates
from easyrec_lite.losses.softmax.corrections import Corrections, log_expected_counts
from easyrec_lite.losses.softmax.loss import in_batch_softmax

# The items that a user of one kind takes, and the share of all rows that hold each item.
TAKEN = np.array([0.10, 0.60, 0.05, 0.25])
SHARES = np.array([0.55, 0.25, 0.15, 0.05])
ITEMS = len(SHARES)
ROWS = 3


def log_counts(shares: np.ndarray, inclusions: np.ndarray, rows: int, in_batch: bool) -> np.ndarray:
    given = (tf.constant(values, tf.float32) for values in (shares, inclusions))
    return log_expected_counts(*given, tf.constant(rows), in_batch).numpy()


@tf.function(reduce_retracing=True)
def _loss(user: tf.Tensor, items: tf.Tensor, ids: tf.Tensor, logs: tf.Tensor, own: bool) -> tuple:
    rows = tf.shape(user)[0]
    weights = tf.one_hot(0, rows)
    with tf.GradientTape() as tape:
        tape.watch(user)
        loss = in_batch_softmax(
            user, items, Candidates(ids=ids), weights, Corrections(logs, of_positive=own)
        )
    return loss, tape.gradient(loss, user)[0]


def first_row(
    scores: np.ndarray, items: np.ndarray, logs: np.ndarray, rows: int, own: bool, masked: bool
) -> tuple[float, np.ndarray]:
    """The loss of row 0, whose user scores item j `scores[j]`, and its gradient by those.

    Args:
      scores: [M].
      items: the candidates: the rows' items, then sampled ones.
      logs: [M] subtracted from the items' logits.
      rows: B.
      own: whether from the positive's too.
      masked: whether other candidates that are row 0's item compete.
    """
    user = tf.constant(np.tile(scores, (rows, 1)), tf.float32)
    vectors = tf.constant(np.eye(len(scores))[items], tf.float32)
    ids = items if masked else np.arange(len(items))
    given = (tf.constant(ids, tf.int32), tf.constant(logs[items], tf.float32))
    loss, gradient = _loss(user, vectors, *given, own)
    return float(loss), gradient.numpy().astype(np.float64)


def other_rows(rows: int) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every choice of the other rows' items, with its probability."""
    for items in itertools.product(range(ITEMS), repeat=rows - 1):
        yield items, float(SHARES[list(items)].prod())


def softmax(scores: np.ndarray) -> np.ndarray:
    return np.exp(scores) / np.exp(scores).sum()


@pytest.mark.parametrize(
    ("correction", "agrees"),
    [(lambda logs: logs, True), (np.zeros_like, False), (np.negative, False)],
    ids=["logq", "none", "wrong sign"],
)
def test_the_optimum_is_that_of_the_full_softmax(
    correction: Callable[[np.ndarray], np.ndarray], agrees: bool
) -> None:
    """At `scores = log TAKEN` the full softmax's expected gradient is 0; all batches enumerated."""
    logs = correction(log_counts(SHARES, np.zeros(ITEMS), ROWS, True))
    expected = np.zeros(ITEMS)
    for positive in range(ITEMS):
        for others, probability in other_rows(ROWS):
            items = np.array([positive, *others])
            _, gradient = first_row(np.log(TAKEN), items, logs, ROWS, own=True, masked=False)
            expected += TAKEN[positive] * probability * gradient
    if agrees:
        np.testing.assert_allclose(expected, 0, atol=1e-6)
    else:
        assert np.abs(expected).max() > 0.05


@pytest.mark.parametrize(("corrected", "agrees"), [(True, True), (False, False)])
def test_without_the_positive_the_partition_is_unbiased(corrected: bool, agrees: bool) -> None:
    """The expected 1/p of a positive is that of the full softmax, all batches enumerated."""
    scores = np.array([0.3, -1.0, 2.0, 0.7])
    logs = log_counts(SHARES, np.zeros(ITEMS), ROWS, True) if corrected else np.zeros(ITEMS)
    for positive in range(ITEMS):
        found = 0.0
        for others, probability in other_rows(ROWS):
            items = np.array([positive, *others])
            loss, _ = first_row(scores, items, logs, ROWS, own=False, masked=True)
            found += probability * np.exp(loss)
        full = 1 / softmax(scores)[positive]
        assert (abs(found / full - 1) < 1e-5) == agrees


@pytest.mark.parametrize("in_batch", [True, False])
def test_the_expected_gradient_is_that_of_the_full_softmax(in_batch: bool) -> None:
    """By 150 batches of 100 rows, and sampled items beside or instead of them, of 60 items.

    For every item the mean lies within 4 standard errors and 0.002 of the full softmax's, at scores
    that are no optimum; without logQ, which leaves popular items pushed down, some item's does not.
    """
    rng = np.random.default_rng(5)
    shares, scores = rng.dirichlet(np.ones(60)), rng.normal(size=60)
    inclusions = rng.uniform(0.3, 0.9, 60)
    rows, positive = (100 if in_batch else 1), 7
    logs = log_counts(shares, inclusions, rows, in_batch)
    found: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for _ in range(150):
        given = np.array([positive, *rng.choice(60, rows - 1, p=shares)])
        drawn = np.setdiff1d(np.flatnonzero(rng.random(60) < inclusions), given)
        items = np.concatenate([given, drawn])
        for corrected, gradients in found.items():
            used = logs if corrected else np.zeros(60)
            gradients.append(first_row(scores, items, used, rows, own=False, masked=True)[1])
    full = softmax(scores) - np.eye(60)[positive]
    within = {}
    for corrected, gradients in found.items():
        spread = np.std(gradients, axis=0) / np.sqrt(len(gradients))
        within[corrected] = np.abs(np.mean(gradients, axis=0) - full) < 4 * spread + 0.002
    assert within[True].all()
    assert not within[False].all()
