"""The in-batch softmax in blocks against a float64 formula written without blocks."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.losses.softmax import loss as softmax
from easyrec_lite.losses.softmax.candidates import Candidates, item_numbers
from easyrec_lite.losses.softmax.loss import candidate_logits, in_batch_softmax

RNG = np.random.default_rng(7)
BLOCK = 8


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(softmax, "BLOCK_ROWS", BLOCK)


def vectors(rows: int, scale: float = 1.0) -> np.ndarray:
    return (scale * RNG.normal(size=(rows, 5))).astype(np.float32)


def whole(
    user: np.ndarray, items: np.ndarray, masked: np.ndarray, weights: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """The loss and its gradients, all at once, in float64."""
    user, items = user.astype(np.float64), items.astype(np.float64)
    logits = np.where(masked, -np.inf, user @ items.T)
    logits -= logits.max(axis=1, keepdims=True)
    exponentials = np.exp(logits)
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    shares = weights / weights.sum()
    rows = np.arange(len(user))
    loss = -(shares * np.log(probabilities[rows, rows])).sum()
    slope = probabilities.copy()
    slope[rows, rows] -= 1
    slope *= shares[:, None]
    return loss, slope @ items, slope.T @ user


def no_mask(rows: int, columns: int) -> np.ndarray:
    return np.zeros((rows, columns), bool)


def compare(
    user: np.ndarray,
    items: np.ndarray,
    masked: np.ndarray,
    candidates: Candidates,
    weights: np.ndarray | None = None,
    graph: bool = False,
) -> None:
    variables = [tf.Variable(user), tf.Variable(items)]

    def run() -> tuple:
        with tf.GradientTape() as tape:
            loss = in_batch_softmax(
                *(variable + 0.0 for variable in variables), candidates, weights
            )
        return loss, *tape.gradient(loss, variables)

    found = (tf.function(run) if graph else run)()
    given = np.ones(len(user)) if weights is None else weights
    expected = whole(user, items, masked, given)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6, rtol=2e-5)


@pytest.mark.parametrize("rows", [1, 7, BLOCK, BLOCK + 1, 3 * BLOCK - 3])
@pytest.mark.parametrize("sampled", [0, 6])
def test_blocks_agree_with_the_whole(rows: int, sampled: int) -> None:
    user, items = vectors(rows), vectors(rows + sampled)
    compare(user, items, no_mask(rows, rows + sampled), Candidates())


def test_in_a_graph_of_unknown_sizes() -> None:
    user, items = vectors(19), vectors(25)
    compare(user, items, no_mask(19, 25), Candidates(), graph=True)


def test_weights_count_as_shares() -> None:
    weights = RNG.uniform(0, 3, 19).astype(np.float32)
    weights[3] = 0
    compare(vectors(19), vectors(25)[:25], no_mask(19, 25), Candidates(), weights)


def test_weights_all_zero_give_no_loss_and_no_gradient() -> None:
    user = tf.Variable(vectors(4))
    with tf.GradientTape() as tape:
        loss = in_batch_softmax(user + 0.0, vectors(4), weights=tf.zeros([4]))
    assert float(loss) == 0
    assert not np.any(tape.gradient(loss, user))


def test_temperature_of_a_hundredth_stays_finite() -> None:
    user, items = vectors(9, 100.0), vectors(9)
    compare(user, items, no_mask(9, 9), Candidates())


def test_the_gradient_goes_on_to_a_scale() -> None:
    user, items = vectors(9), vectors(12)
    scale = tf.Variable(0.7)
    with tf.GradientTape() as tape:
        loss = in_batch_softmax(scale * user, items)
    step = 1e-3
    ends = [whole(s * user, items, no_mask(9, 12), np.ones(9))[0] for s in (0.7 - step, 0.7 + step)]
    np.testing.assert_allclose(tape.gradient(loss, scale), (ends[1] - ends[0]) / (2 * step), 1e-3)


def test_only_sampled_items_compete() -> None:
    masked = np.zeros((19, 25), bool)
    masked[:, :19] = ~np.eye(19, dtype=bool)
    compare(vectors(19), vectors(25), masked, Candidates(in_batch=False))


def test_a_row_alone_without_candidates_has_no_loss() -> None:
    masked = ~np.eye(3, dtype=bool)
    user = vectors(3)
    compare(user, vectors(3), masked, Candidates(in_batch=False))
    assert float(in_batch_softmax(user, vectors(3), Candidates(in_batch=False))) == 0


def equal_items(ids: list, columns: int, with_sampled: bool) -> np.ndarray:
    rows = columns if with_sampled else 19
    masked = np.zeros((19, columns), bool)
    for i in range(19):
        for j in range(rows):
            masked[i, j] = i != j and ids[i] == ids[j]
    return masked


@pytest.mark.parametrize("with_sampled", [False, True])
@pytest.mark.parametrize("kind", [str, int])
def test_candidates_of_the_same_item_do_not_compete(kind: type, with_sampled: bool) -> None:
    numbers = RNG.integers(0, 6, 25)
    ids = [f"商品{n}" if kind is str else 2**62 + int(n) for n in numbers]
    masked = equal_items(ids, 25, with_sampled)
    sampled = tf.constant(ids[19:]) if with_sampled else None
    candidates = Candidates(ids=item_numbers(tf.constant(ids[:19]), sampled, tf.constant(6)))
    compare(vectors(19), vectors(25), masked, candidates)


def test_item_ids_of_two_types_compare_as_text() -> None:
    found = item_numbers(tf.constant([5, 7, 5]), tf.constant(["7", "9"]), tf.constant(2)).numpy()
    assert found[0] == found[2]
    assert found[1] == found[3]
    assert len(set(found)) == 3


@pytest.mark.parametrize("pairs", [[], [(0, 5), (9, 5), (9, 2), (18, 4)]])
def test_a_hard_negative_competes_in_its_rows_only(pairs: list) -> None:
    masked = np.zeros((19, 25), bool)
    for _, item in pairs:
        masked[:, 19 + item] = True
    for row, item in pairs:
        masked[row, 19 + item] = False
    hard = tf.constant(np.reshape(pairs, (-1, 2)), tf.int64)
    compare(vectors(19), vectors(25), masked, Candidates(hard_pairs=hard), graph=True)


def test_masks_add_up() -> None:
    ids = tf.constant([1, 1, 2, -1, 2], tf.int32)
    hard = tf.constant([[1, 1]], tf.int64)
    logits = candidate_logits(vectors(3), vectors(5), Candidates(False, ids, hard))
    expected = [[0, 1, 1, 0, 1], [1, 0, 1, 0, 0], [1, 1, 0, 0, 1]]
    np.testing.assert_array_equal(np.isneginf(logits), np.array(expected, bool))


def test_a_masked_candidate_has_probability_zero_and_no_gradient() -> None:
    user, items = tf.Variable(vectors(3)), tf.Variable(vectors(4, 50.0))
    candidates = Candidates(ids=tf.constant([1, 2, 3, 1]))
    probabilities = tf.nn.softmax(candidate_logits(user, items, candidates))
    assert probabilities[0, 3] == 0
    np.testing.assert_allclose(tf.reduce_sum(probabilities, 1), 1, rtol=1e-6)
    weights = tf.constant([1.0, 0.0, 0.0])
    with tf.GradientTape() as tape:
        loss = in_batch_softmax(user + 0.0, items + 0.0, candidates, weights)
    assert not np.any(tape.gradient(loss, items)[3])
