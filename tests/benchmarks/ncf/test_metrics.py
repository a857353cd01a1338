from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from benchmarks.ncf.baselines import popularity
from benchmarks.ncf.data import Data
from benchmarks.ncf.held_out import HeldOut
from benchmarks.ncf.metrics import TOP, measure, ncf_metrics, ncf_ranks
from tests.benchmarks.ncf.matrices import seen_matrix


def by_hand(scores: np.ndarray, held_out: HeldOut) -> dict[str, float]:
    """The metrics by sorting lists of items; only for scores without ties."""
    found: dict[str, list[float]] = {}
    seen = seen_matrix(held_out)
    for query, true in enumerate(held_out.true.tolist()):
        others = set(held_out.negatives[query].tolist()) - {true}
        unseen = [item for item in range(scores.shape[1]) if not seen[query, item]]
        lists = {"ncf": [true, *others], "kept": range(scores.shape[1]), "excluded": unseen}
        for name, candidates in lists.items():
            best = sorted(candidates, key=lambda item, q=query: -scores[q, item])  # type: ignore[misc]
            place = best.index(true)
            for k in TOP if name != "ncf" else (10,):
                found.setdefault(f"{name}_hr@{k}", []).append(place < k)
            gain = 1 / math.log2(place + 2) if place < 10 else 0.0
            found.setdefault(f"{name}_ndcg@10", []).append(gain)
    return {name: float(np.mean(values)) for name, values in found.items()}


def test_all_metrics_by_brute_force(data: Data) -> None:
    held_out = data.held_out()
    draw = np.random.default_rng(1)
    queries, items = (draw.normal(size=(size, 5)).astype(np.float32) for size in (150, 160))
    expected = by_hand(queries @ items.T, held_out)
    found = measure(queries, items, held_out)
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected)


def test_a_tie_among_ncf_negatives_counts_half(data: Data) -> None:
    held_out = data.held_out()
    queries, items = (np.ones((size, 1), np.float32) for size in (150, 160))
    np.testing.assert_array_equal(ncf_ranks(queries, items, held_out), 99 / 2)


def test_the_held_out_item_is_no_negative_of_its_own(data: Data) -> None:
    held_out = data.held_out()
    negatives = held_out.negatives.copy()
    negatives[:, 0] = held_out.true
    queries, items = (np.ones((size, 1), np.float32) for size in (150, 160))
    changed = dataclasses.replace(held_out, negatives=negatives)
    np.testing.assert_array_equal(ncf_ranks(queries, items, changed), 98 / 2)


def test_hit_rate_and_ndcg_of_ranks() -> None:
    found = ncf_metrics(np.array([0.0, 9.0, 10.0, 2.5]))
    assert found["ncf_hr@10"] == 0.75
    gains = 1 + 1 / math.log2(11) + 1 / math.log2(4.5)
    assert found["ncf_ndcg@10"] == pytest.approx(gains / 4)


def test_popularity_on_the_real_data(real: Data) -> None:
    held_out = real.held_out()
    found = measure(*popularity(held_out.seen, len(held_out.items), 1), held_out)
    assert found["ncf_hr@10"] == pytest.approx(0.4538, abs=5e-5)
    assert found["ncf_ndcg@10"] == pytest.approx(0.2543, abs=5e-5)
