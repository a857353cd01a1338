"""Recall and average precision of a row's nearest rows, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.metrics.base import Metric
from easyrec_lite.metrics.precision_at_topk.metric import PrecisionAtTopK
from easyrec_lite.metrics.recall_at_topk.metric import RecallAtTopK

GROUPS = np.array([0, 0, 0, 1])
# Row 0 ranks 3, 1, 2; row 1: 0, 2, 3; row 2: 3, 0, 1; row 3: 2, 1, 0.
SIMILARITIES = [
    [1.0, 0.5, 0.4, 0.6],
    [0.9, 1.0, 0.8, 0.7],
    [0.5, 0.4, 1.0, 0.9],
    [0.1, 0.2, 0.3, 1.0],
]


def value(metric: Metric, batches: int = 1) -> dict[str, float]:
    alike = tf.constant(GROUPS[:, None] == GROUPS[None, :])
    found = Outputs({"similarities": tf.constant(SIMILARITIES), "alike": alike}, {})
    total = metric.empty()
    for _ in range(batches):
        state = metric.state(found, None)
        total = metric.merge(total, {name: each.numpy() for name, each in state.items()})
    return metric.compute(total)


def test_average_precision() -> None:
    by_row = [(0 + 1 / 2) / 2, (1 + 1) / 2, (0 + 1 / 2) / 2, 0]
    assert value(PrecisionAtTopK(2)) == {"MAP@2": pytest.approx(np.mean(by_row))}
    assert value(PrecisionAtTopK(2), 3) == {"MAP@2": pytest.approx(np.mean(by_row))}


def test_the_largest_group_bounds_the_denominator_and_the_row_itself_ranks_last() -> None:
    first = (1 / 2 + 2 / 3 + 3 / 4) / 3
    by_row = [first, (1 + 1 + 3 / 4) / 3, first, (1 / 4) / 3]
    assert value(PrecisionAtTopK(9)) == {"MAP@9": pytest.approx(np.mean(by_row))}


def test_recall_of_the_nearest_positive_rows() -> None:
    # Of row 3, which has none, the first rows 0 and 1 count as its positive ones.
    by_row = [1 / 2, 1, 1 / 2, 1 / 2]
    assert value(RecallAtTopK(2)) == {"recall@2": pytest.approx(np.mean(by_row))}
