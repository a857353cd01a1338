"""Ranking among all items against a second implementation, and at the edges."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from easyrec_lite.core.errors import RunError
from easyrec_lite.evaluation.ranking import (
    ABSENT,
    EXCLUDED,
    KEPT,
    ItemSets,
    rank,
    rank_popularity,
    rank_random,
    rank_scores,
)
from easyrec_lite.evaluation.ranking import best as best_module
from easyrec_lite.evaluation.ranking import ranking as ranking_module
from easyrec_lite.evaluation.ranking.ties import tie_order
from tests.evaluation.ranking import brute_force


def tie(seed):
    return lambda q, item: int(tie_order(np.array([q]), np.array([item]), seed)[0])


def case(seed, queries=30, items=40, width=3, levels=2):
    """Vectors of few different values, so that many scores are equal, and random sets."""
    generator = np.random.default_rng(seed)
    users = generator.integers(-levels, levels + 1, (queries, width)).astype(np.float32)
    table = generator.integers(-levels, levels + 1, (items, width)).astype(np.float32)
    sizes = generator.integers(0, 5, queries)
    held_out = [generator.integers(-1, items, size).tolist() for size in sizes]
    seen = [generator.integers(0, items, size).tolist() for size in generator.integers(0, 60, 30)]
    return users, table, held_out, seen


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-12), name


@pytest.mark.parametrize("blocks", [(512, 4096), (7, 6), (1, 1), (4, 40)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_as_by_hand_however_cut_into_blocks(monkeypatch, blocks, seed):
    monkeypatch.setattr(ranking_module, "QUERIES_AT_ONCE", blocks[0])
    monkeypatch.setattr(ranking_module, "ITEMS_AT_ONCE", blocks[1])
    users, items, held_out, seen = case(seed)
    ks = (1, 3, 10, 50)
    found = rank(users, items, held_out, seen, ks, seed=seed, keep_lists=True)
    for rule in ("excluded", "kept"):
        expected, lists = brute_force.metrics(
            (users @ items.T).tolist(), held_out, seen, ks, rule, tie(seed)
        )
        assert_same(found.metrics(rule), expected)
        asked = [query for query, wanted in enumerate(held_out) if wanted]
        for query, whole in zip(asked, lists, strict=True):
            row = found.outcomes[rule].lists[query]
            assert row[row != ABSENT].tolist() == whole[:50]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 9), st.integers(1, 12))
def test_any_shape(seed, queries, items, k):
    generator = np.random.default_rng(seed)
    users = generator.integers(-1, 2, (queries, 2)).astype(np.float32)
    table = generator.integers(-1, 2, (items, 2)).astype(np.float32)
    held_out = [generator.integers(-1, items, 1 + generator.integers(3)) for _ in range(queries)]
    seen = [generator.integers(0, items, generator.integers(2 * items)) for _ in range(queries)]
    found = rank(users, table, held_out, seen, [k], seed=seed)
    lists, hidden = [w.tolist() for w in held_out], [s.tolist() for s in seen]
    scores = (users @ table.T).tolist()
    for rule in ("excluded", "kept"):
        if rule == "excluded" and all(len(set(row)) == items for row in hidden):
            assert found.metrics(rule)["coverage@" + str(k)] == 0
            continue
        expected, _ = brute_force.metrics(scores, lists, hidden, [k], rule, tie(seed))
        assert_same(found.metrics(rule), expected)


def test_ties_are_fair():
    """A scorer that likes all items alike finds one of M at K in K / M of the cases."""
    queries, items, k = 4000, 20, 5
    held_out = [[query % items] for query in range(queries)]
    found = rank(np.zeros((queries, 1)), np.zeros((items, 1)), held_out, [()] * queries, [k])
    share = k / items
    error = math.sqrt(share * (1 - share) / queries)
    assert abs(found.metrics("kept")["hit_rate@5"] - share) < 4 * error
    assert found.metrics("kept")["entropy@5"] == pytest.approx(math.log(items), abs=0.01)
    again = rank(np.zeros((queries, 1)), np.zeros((items, 1)), held_out, [()] * queries, [k])
    assert again.metrics("kept") == found.metrics("kept")


@pytest.mark.parametrize("seen_size", [0, 3])
def test_random_row_is_chance(seen_size):
    queries, items, k = 6000, 30, 6
    held_out = [[query % items] for query in range(queries)]
    seen = [[(query + 1 + n) % items for n in range(seen_size)] for query in range(queries)]
    found = rank_random(items, held_out, seen, [k], seed=3)
    for rule, share in (("kept", k / items), ("excluded", k / (items - seen_size))):
        error = math.sqrt(share * (1 - share) / queries)
        assert abs(found.metrics(rule)["hit_rate@6"] - share) < 4 * error
        assert found.metrics(rule)["coverage@6"] == 1.0


@pytest.mark.parametrize("seed", [0, 5])
def test_popularity_row_is_ranking_by_count(seed):
    _, items, held_out, seen = case(seed)
    counts = np.random.default_rng(seed).integers(0, 4, len(items))
    found = rank_popularity(counts, held_out, seen, (2, 7), seed=seed)
    for rule in ("excluded", "kept"):
        expected, _ = brute_force.metrics(
            [counts.tolist()] * len(held_out), held_out, seen, (2, 7), rule, tie(seed)
        )
        assert_same(found.metrics(rule), expected)


@pytest.mark.parametrize("at_once", [1, 7, 39])
def test_baselines_do_not_depend_on_how_items_are_cut_up(monkeypatch, at_once):
    _, _, held_out, seen = case(8)
    counts = np.random.default_rng(8).integers(0, 4, 40)

    def both():
        found = rank_popularity(counts, held_out, seen, (3, 20)), rank_random(40, held_out, seen)
        return [ranking.metrics(rule) for ranking in found for rule in ("excluded", "kept")]

    whole = both()
    monkeypatch.setattr(best_module, "ITEMS_AT_ONCE", at_once)
    assert both() == whole


def test_baselines_are_bounded_in_memory_where_all_items_tie():
    def peak(items):
        tracemalloc.start()
        rank_popularity(np.zeros(items), [[0]] * 64, [[]] * 64, (10,))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(50_000) < 1.5 * peak(8_000)


def test_scores_of_any_origin_rank_like_vectors():
    users, items, held_out, seen = case(4)
    scores = users @ items.T
    by_vectors = rank(users, items, held_out, seen, (2, 7), seed=4)
    found = rank_scores(lambda queries: scores[queries], 40, held_out, seen, (2, 7), seed=4)
    for rule in ("excluded", "kept"):
        assert found.metrics(rule) == by_vectors.metrics(rule)


def test_edges():
    users, items = np.eye(4, 3, dtype=np.float32), np.eye(3, dtype=np.float32)
    held_out = [[0, 0, 0], [], [2], [ABSENT]]
    seen = [[], [1], [0, 1, 2, 0], []]
    found = rank(users, items, held_out, seen, [1, 5], keep_lists=True)
    assert found.queries == 3
    kept, excluded = found.metrics("kept"), found.metrics("excluded")
    # Query 0 finds its one item at once; 2 finds its own; 3 asks for what is not there.
    assert kept["hit_rate@1"] == pytest.approx(2 / 3)
    assert kept["recall@1"] == pytest.approx(2 / 3)
    # All seen: nothing is left to recommend to query 2.
    assert excluded["hit_rate@5"] == pytest.approx(1 / 3)
    assert found.outcomes["excluded"].lists[2].tolist() == [ABSENT] * 5
    assert sorted(found.outcomes["kept"].lists[0].tolist()) == [ABSENT, ABSENT, 0, 1, 2]
    assert found.outcomes["kept"].lists[1].tolist() == [ABSENT] * 5


def test_nothing_held_out():
    found = rank(np.ones((2, 2)), np.ones((3, 2)), [[], []], [[], [1]], [2])
    assert found.queries == 0
    assert found.metrics("kept") == {"coverage@2": 0.0, "entropy@2": 0.0}


def test_no_queries():
    found = rank(np.ones((0, 2)), np.ones((3, 2)), [], [], [2])
    assert found.metrics("excluded") == {"coverage@2": 0.0, "entropy@2": 0.0}


@pytest.mark.parametrize("side", [0, 1])
def test_vectors_must_be_finite(side):
    vectors = [np.ones((3, 2)), np.ones((4, 2))]
    vectors[side][1, 0] = np.nan
    with pytest.raises(RunError, match="vectors to rank by are not finite"):
        rank(*vectors, [[0]] * 3, [[]] * 3)


def test_shapes_must_fit():
    with pytest.raises(ValueError, match="one width"):
        rank(np.ones((3, 2)), np.ones((4, 3)), [[0]] * 3, [[]] * 3)
    with pytest.raises(ValueError, match="3 queries"):
        rank(np.ones((3, 2)), np.ones((4, 2)), [[0]] * 3, [[]])
    with pytest.raises(ValueError, match="at least 1"):
        rank(np.ones((3, 2)), np.ones((4, 2)), [[0]] * 3, [[]] * 3, [0, 5])


def test_progress_adds_up_to_all_scores():
    done = []
    rank(np.ones((5, 2)), np.ones((7, 2)), [[0]] * 5, [[]] * 5, [2], progress=done.append)
    assert sum(done) == 35


def test_sets():
    sets = ItemSets.of([[3, 1, 3], [], [ABSENT, ABSENT, 2]])
    assert sets.sizes.tolist() == [2, 0, 3]
    assert sets.take(np.array([2, 0])).items.tolist() == [ABSENT, ABSENT, 2, 1, 3]
    assert sets.keys(4).tolist() == [1, 3, 10]


@pytest.mark.parametrize("combined", [False, True])
def test_of_several_interests_the_largest_score_or_a_combined_one_ranks(combined):
    rng = np.random.default_rng(4)
    queries, items = rng.normal(size=(30, 3, 5)), rng.normal(size=(700, 5))
    queries[:5, 1:] = queries[:5, :1]  # one interest, repeated
    held_out = [rng.choice(700, 2, replace=False).tolist() for _ in queries]
    seen = [rng.choice(700, 9, replace=False).tolist() for _ in queries]
    mean = (lambda scores: scores.mean(axis=1)) if combined else None
    found = rank(queries, items, held_out, seen, [7], keep_lists=True, combine=mean)
    scores = np.einsum("qkd,md->qkm", queries, items)
    scores = scores.mean(axis=1) if combined else scores.max(axis=1)
    for rule in (EXCLUDED, KEPT):
        expected, lists = brute_force.metrics(scores, held_out, seen, [7], rule)
        assert found.metrics(rule) == pytest.approx(expected)
        assert found.outcomes[rule].lists.tolist() == [shown[:7] for shown in lists]


def test_one_interest_ranks_bit_for_bit_as_a_vector():
    rng = np.random.default_rng(5)
    queries, items = (rng.normal(size=(n, 8)).astype(np.float32) for n in (600, 5000))
    held_out, seen = [[query] for query in range(600)], [[]] * 600
    one, several = (
        rank(given, items, held_out, seen, [20], keep_lists=True)
        for given in (queries, queries[:, None])
    )
    np.testing.assert_array_equal(one.outcomes[KEPT].lists, several.outcomes[KEPT].lists)
