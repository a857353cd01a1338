"""Baselines to compare a model with: lists by popularity, by item neighbours, and random lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from easyrec_lite.checks.ranking import DEFAULT_KS
from easyrec_lite.evaluation.ranking.best import BestItems
from easyrec_lite.evaluation.ranking.neighbours import NEIGHBOURS, ItemNeighbours, nearest_items
from easyrec_lite.evaluation.ranking.ranking import Ranking, measure, rank_scores
from easyrec_lite.evaluation.ranking.sets import ItemSets


def rank_popularity(
    popularity: np.ndarray,
    held_out: ItemSets | Sequence[Iterable[int]],
    seen: ItemSets | Sequence[Iterable[int]],
    ks: Sequence[int] = DEFAULT_KS,
    *,
    seed: int = 0,
) -> Ranking:
    """Ranks the items of each query by their popularity.

    Args:
      popularity: int or float [M], such as how often each item occurs in the training data.
      held_out, seen, ks, seed: as of `rank`.
    """
    # The rank of a popularity in its place: exact in float32.
    _, scores = np.unique(popularity, return_inverse=True)
    scores = scores.astype(np.float32)
    count, k = len(scores), max(ks)
    falling = np.sort(scores)[::-1]

    def lists(queries: np.ndarray, seen_items: ItemSets) -> tuple[np.ndarray, np.ndarray]:
        best = BestItems(queries, seen_items, count, k, seed)
        needed = min(k + int(seen_items.sizes.max(initial=0)), count)
        items = np.flatnonzero(scores >= falling[needed - 1]) if count else np.empty(0, np.int64)
        best.offer(np.broadcast_to(scores[items], (len(queries), len(items))), items)
        return best.lists()

    return measure(lists, count, held_out, seen, ks)


def rank_item_knn(
    everyone: ItemSets | Sequence[Iterable[int]],
    count: int,
    held_out: ItemSets | Sequence[Iterable[int]],
    seen: ItemSets | Sequence[Iterable[int]],
    ks: Sequence[int] = DEFAULT_KS,
    *,
    seed: int = 0,
    neighbours: int = NEIGHBOURS,
) -> Ranking:
    """Ranks `count` items by the sum of their cosines to the items that a query has seen.

    Args:
      everyone: the items that each user of the training data has seen, queries or not.
      count: M.
      held_out, seen, ks, seed: as of `rank`.
      neighbours: how many nearest items of an item count.
    """
    seen = ItemSets.of(seen)
    scores = ItemNeighbours(nearest_items(ItemSets.of(everyone), count, neighbours), seen)
    return rank_scores(scores, count, held_out, seen, ks, seed=seed)


def rank_random(
    count: int,
    held_out: ItemSets | Sequence[Iterable[int]],
    seen: ItemSets | Sequence[Iterable[int]],
    ks: Sequence[int] = DEFAULT_KS,
    *,
    seed: int = 0,
) -> Ranking:
    """Ranks `count` items at random.

    Each block of queries draws one random order of the items; a query's list begins at a random
    place of it, so that each item is equally likely at each place. `held_out`, `seen`, `ks`, `seed`
    are as of `rank`.
    """
    generator, k = np.random.default_rng(seed), max(ks)

    def lists(queries: np.ndarray, seen_items: ItemSets) -> tuple[np.ndarray, np.ndarray]:
        best = BestItems(queries, seen_items, count, k, seed)
        needed = min(k + int(seen_items.sizes.max(initial=0)), count)
        order = generator.permutation(count)
        starts = generator.integers(max(count, 1), size=(len(queries), 1))
        items = order[(starts + np.arange(needed)) % max(count, 1)]
        scores = np.broadcast_to(-np.arange(needed, dtype=np.float32), items.shape)
        best.offer(scores, items)
        return best.lists()

    return measure(lists, count, held_out, seen, ks)
