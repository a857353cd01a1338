"""Ranks all items for each query, in blocks, and computes the metrics of the lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from easyrec_lite.checks.ranking import DEFAULT_KS, EXCLUDED, KEPT
from easyrec_lite.core.errors import Problem, RunError
from easyrec_lite.evaluation.ranking.best import ITEMS_AT_ONCE, BestItems
from easyrec_lite.evaluation.ranking.metrics import (
    NOWHERE,
    list_metrics,
    mean_metrics,
    query_metrics,
)
from easyrec_lite.evaluation.ranking.sets import ABSENT, ItemSets

SEEN_RULES = (EXCLUDED, KEPT)
QUERIES_AT_ONCE = 512
SCORES_AT_ONCE = 1 << 23
# Called with the number of scores that were computed.
ScoreCallback = Callable[[int], None]
# Makes the scores [B, m] of the inner products [B, K, m] of K interests.
Combine = Callable[[np.ndarray], Any]
# Query numbers [B] and their seen items → lists [B, K]: of all items, and of the items not seen.
Lists = Callable[[np.ndarray, ItemSets], tuple[np.ndarray, np.ndarray]]


@dataclass
class Outcome:
    """The result under one seen rule.

    Attributes:
      places: int64 [H], the places of the held-out items from 0, `NOWHERE` beyond the largest K.
      counts: K → int64 [M], how many lists of length K contain each item.
      lists: int64 [Q, K] of the largest K if asked for, else None; `ABSENT` where a list is
        shorter, and for queries without held-out items.
    """

    places: np.ndarray
    counts: dict[int, np.ndarray]
    lists: np.ndarray | None


@dataclass(frozen=True)
class Ranking:
    """The metrics of the ranked lists of Q queries.

    Attributes:
      items: M.
      ks: the lengths of lists, ascending.
      held_out: the held-out items of each query.
      outcomes: seen rule → outcome.
    """

    items: int
    ks: tuple[int, ...]
    held_out: ItemSets
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    @property
    def queries(self) -> int:
        """The number of queries with a held-out item; the others are not ranked."""
        return int((self.held_out.sizes > 0).sum())

    def of_queries(self, seen: str) -> dict[str, np.ndarray]:
        """Returns name@K → float64 [S] under a seen rule, of the S queries with a held-out item."""
        places, queries = self.outcomes[seen].places, self.held_out.queries
        return {
            f"{name}@{k}": values
            for k in self.ks
            for name, values in query_metrics(places, queries, k).items()
        }

    def metrics(self, seen: str) -> dict[str, float]:
        """Returns name@K → value under a seen rule; without any query, 0 for the list metrics."""
        outcome = self.outcomes[seen]
        means = mean_metrics(outcome.places, self.held_out.queries, self.ks)
        for k, counts in outcome.counts.items():
            means |= {f"{name}@{k}": value for name, value in list_metrics(counts).items()}
        return means


def rank(
    query_vectors: np.ndarray,
    item_vectors: np.ndarray,
    held_out: ItemSets | Sequence[Iterable[int]],
    seen: ItemSets | Sequence[Iterable[int]],
    ks: Sequence[int] = DEFAULT_KS,
    *,
    seed: int = 0,
    keep_lists: bool = False,
    progress: ScoreCallback | None = None,
    combine: Combine | None = None,
) -> Ranking:
    """Ranks all items for each query by inner product, with seen items kept and with them excluded.

    Scores exist for one block of queries and one block of items at a time. A held-out item that
    cannot be recommended, as it is not in the table or was seen, counts as missed.

    Args:
      query_vectors: float32 [Q, D], or [Q, K, D] of queries with K interests each: an item's score
        is then the largest of its K inner products.
      item_vectors: float32 [M, D].
      held_out: the numbers of each query's held-out items; `ABSENT` for an item that is not among
        the M. Queries without any are not ranked.
      seen: the numbers of the items that each query has seen.
      ks: lengths of lists, ≥ 1; a length above M gives lists of M.
      seed: of the order of equal scores (`TIES`).
      keep_lists: whether to return the lists themselves.
      progress: called with the numbers of computed scores, Q · M in all.
      combine: makes the scores [B, m] of K inner products [B, K, m], in place of the largest.

    Raises:
      RunError: a vector is not finite.
      ValueError: the shapes do not fit.
    """
    query_vectors, item_vectors = _finite(query_vectors), _finite(item_vectors)
    if query_vectors.ndim == 2:
        query_vectors = query_vectors[:, None]
    if item_vectors.ndim != 2 or query_vectors.shape[2] != item_vectors.shape[1]:
        raise ValueError(
            "expected queries [Q, K, D] and items [M, D] of one width D. "
            f"Received: {query_vectors.shape} and {item_vectors.shape}"
        )
    count, k = len(item_vectors), max(ks)
    scorer = BlockScorer(combine)

    def lists(queries: np.ndarray, seen_items: ItemSets) -> tuple[np.ndarray, np.ndarray]:
        best = BestItems(queries, seen_items, count, k, seed)
        vectors = query_vectors[queries]
        for start in range(0, count, ITEMS_AT_ONCE):
            block = item_vectors[start : start + ITEMS_AT_ONCE]
            best.offer(scorer(vectors, block), np.arange(start, start + len(block)))
            if progress:
                progress(len(queries) * len(block))
        return best.lists()

    return measure(lists, count, held_out, seen, ks, keep_lists=keep_lists)


class BlockScorer:
    """Scores a block of queries and a block of items; its memory is used again for the next block.

    Args:
      combine: as of `rank`.
    """

    def __init__(self, combine: Combine | None):
        self._combine = combine
        self._best, self._more = (
            np.empty(QUERIES_AT_ONCE * ITEMS_AT_ONCE, np.float32) for _ in range(2)
        )

    def __call__(self, queries: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Returns the scores float32 [B, m], which are valid until the next call.

        One interest after another is scored, and the larger score is kept: the scores of only two
        interests exist at once.

        Args:
          queries: float32 [B, K, D].
          items: float32 [m, D].
        """
        interests = queries.shape[1]
        if self._combine is not None and interests > 1:
            scores = np.matmul(queries, items.T)
            return np.ascontiguousarray(self._combine(scores), np.float32)
        shape = (len(queries), len(items))
        best, more = (
            room[: shape[0] * shape[1]].reshape(shape) for room in (self._best, self._more)
        )
        np.matmul(np.ascontiguousarray(queries[:, 0]), items.T, out=best)
        for interest in range(1, interests):
            np.matmul(queries[:, interest], items.T, out=more)
            np.maximum(best, more, out=best)
        return best


def rank_scores(
    scores: Callable[[np.ndarray], np.ndarray],
    count: int,
    held_out: ItemSets | Sequence[Iterable[int]],
    seen: ItemSets | Sequence[Iterable[int]],
    ks: Sequence[int] = DEFAULT_KS,
    *,
    seed: int = 0,
    keep_lists: bool = False,
) -> Ranking:
    """Ranks by scores that are not inner products, such as those of item neighbourhoods.

    At most `SCORES_AT_ONCE` scores exist at a time, but those of one query.

    Args:
      scores: numbers of queries int64 [B] → float32 [B, M], finite.
      count: M.
      held_out, seen, ks, seed, keep_lists: as of `rank`.
    """

    def lists(queries: np.ndarray, seen_items: ItemSets) -> tuple[np.ndarray, np.ndarray]:
        rows = max(1, SCORES_AT_ONCE // max(count, 1))
        parts = []
        for start in range(0, len(queries), rows):
            some = queries[start : start + rows]
            own = seen_items.block(start, start + len(some))
            best = BestItems(some, own, count, max(ks), seed)
            best.offer(np.ascontiguousarray(scores(some), np.float32), np.arange(count))
            parts.append(best.lists())
        kept, excluded = zip(*parts, strict=True)
        return np.concatenate(kept), np.concatenate(excluded)

    return measure(lists, count, held_out, seen, ks, keep_lists=keep_lists)


def measure(
    lists: Lists,
    count: int,
    held_out: ItemSets | Sequence[Iterable[int]],
    seen: ItemSets | Sequence[Iterable[int]],
    ks: Sequence[int],
    *,
    keep_lists: bool = False,
) -> Ranking:
    """Returns the metrics of given lists.

    Args:
      lists: returns the lists of a block of queries.
      count: M.
      held_out, seen, ks, keep_lists: as of `rank`.
    """
    held_out, seen = ItemSets.of(held_out), ItemSets.of(seen)
    ks = tuple(sorted(set(ks)))
    if not ks or ks[0] < 1:
        raise ValueError(f"lengths of lists must be at least 1, not {list(ks)}")
    if len(held_out) != len(seen):
        raise ValueError(f"{len(held_out)} queries have held-out items, {len(seen)} have seen some")
    ranking = Ranking(count, ks, held_out, {})
    for rule in SEEN_RULES:
        ranking.outcomes[rule] = Outcome(
            np.full(len(held_out.items), NOWHERE),
            {k: np.zeros(count, np.int64) for k in ks},
            np.full((len(held_out), ks[-1]), ABSENT, np.int64) if keep_lists else None,
        )
    asked = np.flatnonzero(held_out.sizes)
    for start in range(0, len(asked), QUERIES_AT_ONCE):
        queries = asked[start : start + QUERIES_AT_ONCE]
        both = lists(queries, seen.take(queries))
        for rule, made in zip((KEPT, EXCLUDED), both, strict=True):
            _note(ranking.outcomes[rule], held_out, queries, made)
    return ranking


def _note(outcome: Outcome, held_out: ItemSets, queries: np.ndarray, lists: np.ndarray) -> None:
    """Enters the lists [B, K] of `queries` [B] into an outcome."""
    entries = ItemSets(held_out.offsets, np.arange(len(held_out.items))).take(queries)
    equal = lists[entries.queries] == held_out.items[entries.items][:, None]
    equal &= lists[entries.queries] != ABSENT
    outcome.places[entries.items] = np.where(equal.any(axis=1), equal.argmax(axis=1), NOWHERE)
    for k, counts in outcome.counts.items():
        shown = lists[:, :k]
        counts += np.bincount(shown[shown != ABSENT], minlength=len(counts))
    if outcome.lists is not None:
        outcome.lists[queries] = lists


def _finite(vectors: np.ndarray) -> np.ndarray:
    """Returns vectors [rows, …, D] as contiguous float32.

    Raises:
      RunError: a number is not finite.
    """
    vectors = np.ascontiguousarray(vectors, np.float32)
    if vectors.ndim not in (2, 3):
        raise ValueError(f"vectors must be [rows, D] or [rows, K, D]. Received: {vectors.shape}")
    bad = ~np.isfinite(vectors).all(axis=tuple(range(1, vectors.ndim)))
    if bad.any():
        rows = ", ".join(map(str, np.flatnonzero(bad)[:5]))
        raise RunError(
            Problem(
                f"{bad.sum()} of {len(vectors)} vectors to rank by are not finite",
                found=f"rows {rows}",
                remedy="take an earlier checkpoint; train with a lower learning rate",
            )
        )
    return vectors
