"""Intervals of means by the bootstrap, against the normal approximation and plain resampling."""

from __future__ import annotations

import random
import statistics

import numpy as np
import pytest

from easyrec_lite.evaluation.ranking import KEPT, rank, rank_popularity
from easyrec_lite.evaluation.ranking import intervals as module
from easyrec_lite.evaluation.ranking.intervals import interval, resampled_means
from easyrec_lite.evaluation.ranking.rows import rows


def values(queries: int, columns: int = 3) -> np.ndarray:
    generator = np.random.default_rng(queries)
    return np.stack([generator.random(queries) < 0.1 * (c + 1) for c in range(columns)], 1) * 1.0


def test_many_queries_have_the_interval_of_the_normal_distribution() -> None:
    given = values(4000)
    low, high = interval(resampled_means(given, seed=3))
    half = 1.96 * given.std(axis=0) / np.sqrt(4000)
    np.testing.assert_allclose(low, given.mean(axis=0) - half, atol=0.12 * half.max())
    np.testing.assert_allclose(high, given.mean(axis=0) + half, atol=0.12 * half.max())


def test_users_are_drawn_with_all_of_their_queries() -> None:
    """Resamples users one by one in plain Python: 3 users of 5, 1 and 2 queries."""
    given = np.array([1, 1, 1, 1, 0.5, 0, 0, 0.25])[:, None]
    users = np.array([7, 7, 7, 7, 7, 900, 3, 3])
    found = np.sort(resampled_means(given, 1, users, resamples=20_000)[:, 0])
    own = {7: [1, 1, 1, 1, 0.5], 900: [0.0], 3: [0, 0.25]}
    chooser = random.Random(0)
    expected = sorted(
        statistics.fmean([value for _ in own for value in own[chooser.choice(list(own))]])
        for _ in range(20_000)
    )
    assert set(found.round(9)) == set(np.round(expected, 9))
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        at = int(share * 20_000)
        assert found[at] == pytest.approx(expected[at], abs=0.05)


def test_repeating_each_query_of_a_user_does_not_narrow_the_interval() -> None:
    given, users = values(50), np.arange(50)
    once = resampled_means(given, 5, users)
    repeated = resampled_means(np.repeat(given, 4, axis=0), 5, np.repeat(users, 4))
    np.testing.assert_allclose(repeated, once)


def test_groups_of_users_stand_for_users(monkeypatch: pytest.MonkeyPatch) -> None:
    given = values(3000)
    low, high = interval(resampled_means(given, seed=1))
    monkeypatch.setattr(module, "MOST_UNITS", 300)
    grouped_low, grouped_high = interval(resampled_means(given, seed=1))
    np.testing.assert_allclose(grouped_high - grouped_low, high - low, rtol=0.25)


def test_the_seed_decides_alone_and_however_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    given = values(40)
    found = resampled_means(given, 2)
    np.testing.assert_array_equal(found, resampled_means(given, 2))
    assert (found != resampled_means(given, 3)).any()
    monkeypatch.setattr(module, "DRAWS", 1)
    np.testing.assert_allclose(found, resampled_means(given, 2))


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_one_query_is_its_own_interval(value: float) -> None:
    assert interval(resampled_means(np.full((1, 2), value), 0)).tolist() == [[value] * 2] * 2


def test_no_query_has_no_interval() -> None:
    assert np.isnan(resampled_means(np.empty((0, 2)), 0)).all()
    made = rows({"model": rank(np.empty((0, 2)), np.eye(2), [], [], [1])}, [KEPT], 0)
    assert "interval" not in made[0]


def test_the_difference_of_equal_rankings_is_nothing_and_others_contain_their_means() -> None:
    generator = np.random.default_rng(1)
    counts = generator.random(30)
    held_out = [[int(item)] for item in generator.integers(0, 30, 200)]
    seen: list[list[int]] = [[] for _ in held_out]
    popular = rank_popularity(counts, held_out, seen, [5, 10])
    random_order = rank(
        generator.random((200, 3)), generator.random((30, 3)), held_out, seen, [5, 10]
    )
    scorers = {"model": popular, "same": popular, "other": random_order}
    model, same, other = rows(scorers, [KEPT], 4)
    assert set(same["difference"]) == {
        f"{name}@{k}" for k in (5, 10) for name in ("hit_rate", "recall", "ndcg", "mrr", "map")
    }
    assert all(bounds == [0, 0] for bounds in same["difference"].values())
    for name, (low, high) in other["difference"].items():
        assert low < model["metrics"][name] - other["metrics"][name] < high
    for row in (model, other):
        for name, (low, high) in row["interval"].items():
            assert low < row["metrics"][name] < high
