"""The softmax in blocks under every combination of options, against plain automatic gradients."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.softmax import Case, steps, vectors
from benchmarks.softmax import cases as benchmark_cases
from easyrec_lite.losses.softmax import loss as softmax
from easyrec_lite.losses.softmax.candidates import Candidates
from easyrec_lite.losses.softmax.corrections import Corrections
from easyrec_lite.losses.softmax.loss import in_batch_softmax


@pytest.fixture(autouse=True, scope="module")
def _small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(softmax, "BLOCK_ROWS", 4)
        yield


def competing(logits: np.ndarray, candidates: Candidates, hardest: int) -> np.ndarray:
    """bool [B, N], entry by entry as the words of `Candidates` and `Corrections` say."""
    rows, columns = logits.shape
    pairs = [] if candidates.hard_pairs is None else candidates.hard_pairs.numpy().tolist()
    hard_items = {item for _, item in pairs}
    kept = np.zeros((rows, columns), bool)
    for row in range(rows):
        for column in range(columns):
            sampled = column - rows
            same = candidates.ids is not None and candidates.ids[row] == candidates.ids[column]
            barred = (
                (column < rows and not candidates.in_batch)
                or bool(same)
                or (sampled in hard_items and [row, sampled] not in pairs)
            )
            kept[row, column] = not barred and row != column
        left = np.sort(logits[row, kept[row]])[::-1]
        if hardest and len(left):
            kept[row] &= logits[row] >= left[min(hardest, len(left)) - 1]
        kept[row, row] = True
    return kept


def plain(
    user: np.ndarray,
    items: np.ndarray,
    candidates: Candidates,
    weights: np.ndarray | None,
    corrections: Corrections,
) -> tuple[float, np.ndarray, np.ndarray]:
    """The loss and its gradients by TensorFlow's own differentiation, in float64, all at once."""
    variables = [tf.Variable(vectors, dtype=tf.float64) for vectors in (user, items)]
    shares = np.ones(len(user)) if weights is None else weights.astype(np.float64)
    shares = shares / shares.sum() if shares.any() else shares
    with tf.GradientTape() as tape:
        logits = tf.matmul(*variables, transpose_b=True)
        if corrections.log_counts is not None:
            logs = tf.cast(corrections.log_counts, tf.float64)
            logits -= logs
            if not corrections.of_positive:
                logits += tf.eye(*logits.shape, dtype=tf.float64) * logs
        kept = competing(logits.numpy(), candidates, corrections.hardest)
        logits = tf.where(kept, logits, -np.inf)
        losses = tf.reduce_logsumexp(logits, axis=1) - tf.linalg.diag_part(logits)
        loss = tf.reduce_sum(shares * losses)
    gradients = tape.gradient(loss, variables)
    return float(loss), *(gradient.numpy() for gradient in gradients)


@st.composite
def cases(draw: st.DrawFn) -> tuple:
    rows, sampled = draw(st.integers(1, 9)), draw(st.integers(0, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    scale = draw(st.sampled_from([1.0, 100.0]))
    columns = rows + sampled
    user = (scale * rng.normal(size=(rows, 3))).astype(np.float32)
    items = rng.normal(size=(columns, 3)).astype(np.float32)
    kinds = draw(st.sampled_from([None, 1, 3, 50]))
    ids = None if kinds is None else tf.constant(rng.integers(0, kinds, columns), tf.int32)
    pairs = None
    if sampled and draw(st.booleans()):
        drawn = rng.integers([rows, sampled], size=(draw(st.integers(0, 4)), 2))
        pairs = tf.constant(np.unique(drawn, axis=0), tf.int64)
    candidates = Candidates(draw(st.booleans()), ids, pairs)
    weights = rng.uniform(0, 2, rows).astype(np.float32) if draw(st.booleans()) else None
    logs = tf.constant(rng.normal(size=columns), tf.float32) if draw(st.booleans()) else None
    corrections = Corrections(logs, draw(st.booleans()), draw(st.sampled_from([0, 1, 2, 50])))
    return user, items, candidates, weights, corrections


@settings(max_examples=80, deadline=None, derandomize=True)
@given(cases())
def test_blocks_agree_with_plain_gradients(case: tuple) -> None:
    """At temperatures 1 and 0.01; rows whose negatives are all masked among them."""
    user, items, candidates, weights, corrections = case
    variables = [tf.Variable(user), tf.Variable(items)]
    with tf.GradientTape() as tape:
        loss = in_batch_softmax(
            *(variable + 0.0 for variable in variables), candidates, weights, corrections
        )
    found = (loss, *tape.gradient(loss, variables))
    large = 100.0 if np.abs(user).max() > 10 else 1.0
    for ours, theirs in zip(found, plain(*case), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=5e-6 * large)


def test_negatives_that_tie_with_the_last_compete_too() -> None:
    user = tf.constant([[1.0]])
    items = tf.constant([[0.0], [3.0], [2.0], [2.0], [1.0], [2.0]])
    expected = {1: [3], 2: [3, 2, 2, 2], 4: [3, 2, 2, 2], 5: [3, 2, 2, 2, 1]}
    for count, kept in expected.items():
        loss = in_batch_softmax(user, items, corrections=Corrections(hardest=count))
        assert float(loss) == pytest.approx(np.log(1 + np.exp(kept).sum()), rel=1e-5)


def test_what_is_not_among_the_hardest_has_no_gradient() -> None:
    rng = np.random.default_rng(1)
    user, items = (tf.constant(rng.normal(size=(rows, 3)), tf.float32) for rows in (1, 9))
    with tf.GradientTape() as tape:
        tape.watch(items)
        loss = in_batch_softmax(user, items, corrections=Corrections(hardest=3))
    moved = np.any(tape.gradient(loss, items), axis=1)
    logits = (user @ tf.transpose(items)).numpy()[0]
    assert set(np.flatnonzero(moved)) == {0, *(1 + np.argsort(-logits[1:])[:3])}


@pytest.mark.parametrize("interests", [1, 3])
@pytest.mark.parametrize("case", benchmark_cases(20, 30), ids=lambda case: case.name)
def test_what_the_benchmark_compares_is_the_same(case: Case, interests: int) -> None:
    made = steps(case, vectors([20, interests, 4], 1), vectors([30, 4], 2))
    ours, plain_one = (step() for step in made)
    for one, other in zip((ours[0], *ours[1]), (plain_one[0], *plain_one[1]), strict=True):
        np.testing.assert_allclose(one, np.reshape(other, one.shape), rtol=1e-4, atol=1e-6)
