"""The baseline item-kNN, by its definition in loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from easyrec_lite.evaluation.ranking import (
    EXCLUDED,
    KEPT,
    ItemSets,
    rank_item_knn,
    rank_scores,
)
from easyrec_lite.evaluation.ranking import neighbours as module
from easyrec_lite.evaluation.ranking import ranking as ranking_module
from easyrec_lite.evaluation.ranking.neighbours import ItemNeighbours, nearest_items


def by_loops(rated: np.ndarray, neighbours: int) -> np.ndarray:
    """Cosines [M, M] of the columns of [U, M], each row's nearest alone."""
    items = rated.shape[1]
    found = np.zeros((items, items))
    for item in range(items):
        for other in range(items):
            both = float((rated[:, item] * rated[:, other]).sum())
            if other != item and both:
                found[item, other] = both / np.sqrt(rated[:, item].sum() * rated[:, other].sum())
        falling = sorted(found[item], reverse=True)
        if neighbours < items:
            found[item][found[item] < falling[neighbours - 1] - 1e-12] = 0
    return found


def dense(seen: ItemSets, items: int, neighbours: int) -> np.ndarray:
    nearest = nearest_items(seen, items, neighbours)
    found = np.zeros((items, items))
    found[nearest.items.queries, nearest.items.items] = nearest.cosines
    return found


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 9), st.integers(1, 10))
def test_nearest_items_and_scores_by_loops(seed: int, users: int, items: int, k: int) -> None:
    rated = np.random.default_rng(seed).random((users, items)) < 0.4
    seen = ItemSets.of([np.flatnonzero(row) for row in rated])
    expected = by_loops(rated, k)
    np.testing.assert_allclose(dense(seen, items, k), expected, atol=1e-12)
    scores = ItemNeighbours(nearest_items(seen, items, k), seen)(np.arange(users)[::-1])
    np.testing.assert_allclose(scores, (rated @ expected.T)[::-1], atol=1e-5)


@pytest.mark.parametrize(("pairs", "sparse"), [(1, 8), (40, 0), (40, 10**9), (1 << 23, 0)])
def test_blocks_and_ways_of_counting_change_nothing(
    monkeypatch: pytest.MonkeyPatch, pairs: int, sparse: int
) -> None:
    rated = np.random.default_rng(5).random((40, 30)) < 0.2
    seen = ItemSets.of([np.flatnonzero(row) for row in rated])
    expected = dense(seen, 30, 4)
    monkeypatch.setattr(module, "PAIRS", pairs)
    monkeypatch.setattr(module, "SPARSE", sparse)
    np.testing.assert_array_equal(dense(seen, 30, 4), expected)


def test_nobody_and_nothing_seen() -> None:
    assert dense(ItemSets.of([]), 3, 2).sum() == 0
    assert dense(ItemSets.of([[], []]), 3, 2).sum() == 0
    found = rank_item_knn([], 3, [[1]], [[]], [3])
    assert found.metrics(KEPT)["recall@3"] == 1


def test_the_items_of_a_taste_are_found() -> None:
    """Two groups of users with their own items: the held-out item is of the query's group."""
    everyone = [[0, 1, 2, 3]] * 9 + [[4, 5, 6, 7]] * 9
    found = rank_item_knn(everyone, 8, [[3], [7]], [[0, 1, 2], [4, 5, 6]], [1])
    assert found.metrics(EXCLUDED)["hit_rate@1"] == 1


def test_scores_are_ranked_however_cut_into_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(2)
    scores = generator.integers(0, 4, (50, 20)).astype(np.float32)
    held_out = [[int(item)] for item in generator.integers(0, 20, 50)]
    seen = [generator.integers(0, 20, size) for size in generator.integers(0, 9, 50)]

    def found() -> list[np.ndarray]:
        ranking = rank_scores(
            lambda queries: scores[queries], 20, held_out, seen, [5], keep_lists=True
        )
        return [outcome.lists for outcome in ranking.outcomes.values()]

    whole = found()
    for at_once in (1, 70):
        monkeypatch.setattr(ranking_module, "SCORES_AT_ONCE", at_once)
        np.testing.assert_array_equal(found(), whole)
