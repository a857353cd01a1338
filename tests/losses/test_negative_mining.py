"""The softmax with negative mining, against its formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.losses.negative_mining.loss import MinedRows, mined_softmax
from easyrec_lite.protos.messages import SoftmaxCrossEntropyWithNegativeMining as Params

PARAMS = {"num_negative_samples": 3, "margin": 0.1, "gamma": 5.0}
SHIFTS = [1, 4, 2]
LABELS = [1.0, 0.0, 1.0, 2.0, 0.0]


def rows(**more: Any) -> MinedRows:
    rng = np.random.default_rng(2)
    user, item = (
        tf.math.l2_normalize(rng.normal(size=(5, 4)).astype(np.float32), axis=1) for _ in range(2)
    )
    return MinedRows(user, item, tf.constant(LABELS), tf.constant(SHIFTS))._replace(**more)


def formula(given: MinedRows, t: float, ids: list[int], weights: list[float]) -> float:
    similarity = given.user.numpy() @ given.item.numpy().T
    total = share = 0.0
    for row, label in enumerate(LABELS):
        p = similarity[row, row] - 0.1
        others = [(row - shift) % 5 for shift in SHIFTS]
        negatives = [similarity[row, other] for other in others if ids[other] != ids[row]]
        negatives = [t * n + t - 1 if n > p else n for n in negatives]
        scores = 5 * np.array([p, *negatives])
        loss = np.log(np.exp(scores).sum()) - scores[0]
        total += loss * weights[row] * (label > 0)
        share += weights[row] * (label > 0)
    return total / share


@pytest.mark.parametrize("t", [1.0, 1.2])
@pytest.mark.parametrize("ids", [None, [7, 8, 7, 9, 8]])
@pytest.mark.parametrize("weights", [None, [1.0, 5.0, 0.0, 2.0, 1.0]])
def test_it_is_its_formula(t: float, ids: Any, weights: Any) -> None:
    items = None if ids is None else tf.constant(ids)
    given = rows(items=items, weights=None if weights is None else tf.constant(weights))
    found = mined_softmax(given, Params(**PARAMS, coefficient_of_support_vector=t))
    expected = formula(given, t, ids or list(range(5)), weights or [1.0] * 5)
    assert found.numpy() == pytest.approx(expected, rel=1e-5)


def test_a_masked_item_has_no_gradient() -> None:
    given = rows(labels=tf.constant([1.0, 0, 0, 0, 0]), items=tf.constant([7, 1, 2, 7, 3]))
    with tf.GradientTape() as tape:
        tape.watch(given.item)
        loss = mined_softmax(given, Params(**PARAMS))
    gradient = np.abs(tape.gradient(loss, given.item).numpy()).max(axis=1)
    # The negatives of row 0 are rows 4, 1 and 3; that of row 3 is its own item.
    assert list(gradient > 0) == [True, True, False, False, True]


@pytest.mark.parametrize("count", [0, 1])
def test_without_positive_rows_or_other_rows_it_is_0(count: int) -> None:
    given = rows()
    given = MinedRows(given.user[:count], given.item[:count], given.labels[:count], given.shifts)
    assert mined_softmax(given, Params(**PARAMS)).numpy() == pytest.approx(0, abs=1e-6)
    assert mined_softmax(rows(labels=tf.zeros([5])), Params(**PARAMS)).numpy() == 0
