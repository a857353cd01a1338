"""What replicas exchange, against numpy over the rows of all."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.core import replicas
from easyrec_lite.data.rows.share import Share
from easyrec_lite.distribution.synchronous import SynchronousReplicas
from easyrec_lite.losses.softmax.candidates import Candidates, item_numbers
from tests.distribution.rows import IDS, LOSSES, ROWS, SAMPLED, SAMPLED_ROWS, SCALES
from tests.losses.test_candidate_losses import loss_of

OWN = [np.array(rows, np.float64).reshape(-1, 2) for rows in ROWS]
ALL = np.concatenate(OWN)
STARTS = np.cumsum([0] + [len(rows) for rows in OWN])


@pytest.fixture(scope="module")
def seen() -> dict[str, list[np.ndarray]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.distribution.replicas_child"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return {name: [np.array(value) for value in each] for name, each in found.items()}


def own_first(number: int) -> np.ndarray:
    others = [rows for at, rows in enumerate(OWN) if at != number]
    return np.concatenate([OWN[number], *others])


def test_one_replica_exchanges_nothing() -> None:
    rows = np.ones([2, 2])
    assert replicas.count() == 1
    assert replicas.total(rows) is rows
    assert replicas.gathered(rows) is rows
    assert replicas.gathered_with_gradient(rows) is rows


@pytest.mark.parametrize("number", range(3))
def test_sums_and_rows_of_all(seen, number: int) -> None:
    assert seen["total"][number] == pytest.approx(ALL.sum())
    np.testing.assert_allclose(seen["gathered"][number], own_first(number))
    expected = np.zeros([6, 2])
    for at, rows in enumerate(OWN):
        np.add.at(expected, np.arange(len(rows)) + at, rows)
    np.testing.assert_allclose(seen["rows"][number], expected)


@pytest.mark.parametrize("number", range(3))
def test_gradients_reach_the_replica_of_a_row(seen, number: int) -> None:
    expected = np.zeros_like(ALL)
    for at, scale in enumerate(SCALES):
        order = np.concatenate([np.arange(STARTS[k], STARTS[k + 1]) for k in _first(at)])
        expected[order] += scale * np.arange(1, len(ALL) + 1)[:, None]
    mine = expected[STARTS[number] : STARTS[number + 1]]
    np.testing.assert_allclose(seen["gathered gradient"][number].reshape(-1, 2), mine)


def _first(number: int) -> list[int]:
    return [number, *(at for at in range(3) if at != number)]


def normed(rows: np.ndarray, moments: np.ndarray) -> np.ndarray:
    return (rows - moments.mean(axis=0)) / np.sqrt(moments.var(axis=0) + 1e-3)


def test_batch_norm_of_all_rows(seen) -> None:
    found = np.concatenate([rows.reshape(-1, 2) for rows in seen["together"]])
    np.testing.assert_allclose(found, normed(ALL, ALL), rtol=1e-5, atol=1e-6)
    scales = np.repeat(SCALES, [len(rows) for rows in OWN])[:, None]

    def loss(rows: np.ndarray) -> float:
        return float((scales * normed(rows, rows) ** 3).sum())

    gradient = np.concatenate([rows.reshape(-1, 2) for rows in seen["together gradient"]])
    np.testing.assert_allclose(gradient, slope(loss, ALL), rtol=1e-3, atol=1e-4)


def test_batch_norm_of_each_replicas_own_rows(seen) -> None:
    for number in (0, 2):
        rows = OWN[number]
        np.testing.assert_allclose(seen["apart"][number], normed(rows, rows), rtol=1e-4, atol=1e-5)

        def loss(rows: np.ndarray, scale: float = SCALES[number]) -> float:
            return float((scale * normed(rows, rows) ** 3).sum())

        gradient = seen["apart gradient"][number]
        np.testing.assert_allclose(gradient, slope(loss, rows), rtol=1e-3, atol=1e-4)
    assert seen["apart"][1].size == 0


@pytest.mark.parametrize("kind", ["together", "apart"])
def test_moving_statistics_are_those_of_all_rows(seen, kind: str) -> None:
    for found in seen[f"{kind} mean"]:
        np.testing.assert_allclose(found, 0.01 * ALL.mean(axis=0), rtol=1e-5)


def slope(function, at: np.ndarray, width: float = 1e-5) -> np.ndarray:
    found = np.zeros_like(at)
    for place in np.ndindex(*at.shape):
        step = np.zeros_like(at)
        step[place] = width
        found[place] = (function(at + step) - function(at - step)) / (2 * width)
    return found


@pytest.mark.parametrize("number", range(3))
def test_candidates_that_others_send(seen, number: int) -> None:
    sent = [rows[rows[:, 0] > 1] for at, rows in enumerate(OWN) if at != number]
    expected = np.concatenate([OWN[number], *sent])
    np.testing.assert_allclose(seen["sent"][number].reshape(-1, 2), expected)


@pytest.mark.parametrize("number", [0, 2])
def test_item_numbers_are_equal_where_ids_are(seen, number: int) -> None:
    ids = []
    for at in _first(number):
        ids += [*IDS[at][1:], *IDS[at][:1]]
    found = seen["numbers"][number]
    assert len(found) == len(ids)
    for i, one in enumerate(ids):
        for j, other in enumerate(ids):
            assert (found[i] == found[j]) == (one == other)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_over_the_candidates_of_all(seen, name: str) -> None:
    """Their sum, and its slopes, are those of one process with the rows and samples of all."""
    rows = [len(own) for own in ROWS]
    users = tf.constant(ALL, tf.float32)
    sampled = np.concatenate([np.reshape(own, (-1, 2)) for own in SAMPLED_ROWS])
    items = tf.constant(np.concatenate([ALL, sampled]), tf.float32)
    ids, drawn = (tf.constant([x for own in each for x in own]) for each in (IDS, SAMPLED))
    masks = Candidates(ids=item_numbers(ids, drawn, tf.size(drawn)))
    weights = tf.constant(np.concatenate([np.arange(count) + 1.0 for count in rows]), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch([users, items])
        loss = loss_of(name).in_batch(users, items, masks, weights)
    by_users, by_items = tape.gradient(loss, [users, items])
    assert sum(seen[name]) == pytest.approx(float(loss), rel=1e-5)
    found = [slopes.reshape(-1, 2) for slopes in seen[f"{name} users"]]
    np.testing.assert_allclose(np.concatenate(found), by_users, rtol=1e-4, atol=1e-6)
    parts = [
        np.split(x.reshape(-1, 2), [n]) for x, n in zip(seen[f"{name} items"], rows, strict=True)
    ]
    found = [each[0] for each in parts] + [each[1] for each in parts]
    np.testing.assert_allclose(np.concatenate(found), by_items, rtol=1e-4, atol=1e-6)


class Replica(SimpleNamespace):
    """A replica of a model with one dropout, as far as `SynchronousReplicas` asks."""

    def __init__(self, share: Share, bad: int = 0):
        self.state = {"dnn/seed_generator_0": tf.Variable([7, 3], dtype=tf.int64)}
        self.state["dnn/kernel"] = tf.Variable([7.0, 3.0])
        model = SimpleNamespace(variables_by_name=lambda: self.state)
        reader = SimpleNamespace(share=share, bad_rows=lambda: bad)
        super().__init__(parts=SimpleNamespace(model=model), input=SimpleNamespace(reader=reader))


def spread(*made: Replica) -> SynchronousReplicas:
    found: SynchronousReplicas = object.__new__(SynchronousReplicas)
    found.replicas = made  # type: ignore[assignment]
    return found


def test_replicas_do_not_drop_the_same_units() -> None:
    made = [Replica(Share(number, 3)) for number in range(3)]
    spread(*made)._draw_apart()
    seeds = [tuple(replica.state["dnn/seed_generator_0"].numpy()) for replica in made]
    assert seeds[0] == (7, 3)  # as one process: it is what a checkpoint holds
    assert len(set(seeds)) == 3
    assert all(replica.state["dnn/kernel"].numpy().tolist() == [7, 3] for replica in made)


def test_bad_rows_of_one_order_count_once() -> None:
    assert spread(Replica(Share(0, 2), 4), Replica(Share(1, 2), 4)).bad_rows() == 4
    assert spread(Replica(Share(0, 2, True), 4), Replica(Share(1, 2, True), 1)).bad_rows() == 5


def test_nobody_is_lost_where_all_devices_are_of_this_process() -> None:
    made = spread(Replica(Share(0, 2)), Replica(Share(1, 2)))
    aborted = tf.errors.InvalidArgumentError(None, None, "Collective ops is aborted by: a bad row")
    made.count = 2
    assert made.lost(aborted) is None
    made.count = 4
    assert made.lost(aborted) is not None
