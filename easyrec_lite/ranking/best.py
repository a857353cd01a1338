"""The K best items of each query, out of scores that come block by block."""

from __future__ import annotations

import numpy as np

from easyrec_lite.ranking.sets import ABSENT, ItemSets
from easyrec_lite.ranking.ties import tie_order


class BestItems:
    """Keeps the K best items of B queries twice: all items, and those not seen.

    What is offered is compared with the worst item still in the lists; the few that pass are put
    aside and merged when there are many, so that sorting costs little beside scoring.

    Args:
      queries: int64 [B], numbers of the queries, for the order of equal scores.
      seen: the items seen by each of them.
      count: M, the number of items.
      k: K.
      seed: of the order of equal scores.
    """

    def __init__(self, queries: np.ndarray, seen: ItemSets, count: int, k: int, seed: int):
        self._queries, self._seen, self._count, self._seed = queries, seen, count, seed
        self._k = k
        self._rows = np.empty(0, np.int64)
        self._items = np.empty(0, np.int64)
        self._scores = np.empty(0, np.float32)
        self._worst = np.full(len(queries), -np.inf, np.float32)
        self._aside: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._waiting, self._started = 0, False

    def offer(self, scores: np.ndarray, items: np.ndarray) -> None:
        """Takes the scores of some more items.

        Args:
          scores: float32 [B, m], finite.
          items: int64 [m], numbers of the items, ascending; or [B, m], each query's own.
        """
        if not self._started and items.ndim == 1:
            self._worst = self._first_worst(scores, items)
        self._started = True
        rows, columns = np.nonzero(scores >= self._worst[:, None])
        chosen = items[columns] if items.ndim == 1 else items[rows, columns]
        self._aside.append((rows, chosen, scores[rows, columns]))
        self._waiting += len(rows)
        if self._waiting > len(self._queries) * self._k:
            self._merge()

    def _first_worst(self, scores: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Returns [B], the K-th best of the first scores [B, m] of unseen items, -inf if fewer."""
        if scores.shape[1] <= self._k:
            return self._worst
        places = np.searchsorted(items, self._seen.items)
        inside = places < len(items)
        inside[inside] = items[places[inside]] == self._seen.items[inside]
        unseen = np.array(scores)
        unseen[self._seen.queries[inside], places[inside]] = -np.inf
        return np.partition(unseen, -self._k, axis=1)[:, -self._k]

    def lists(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the lists so far, int64 [B, K] each: of all items, and of those not seen.

        The best comes first; `ABSENT` fills up what is missing to K.
        """
        self._merge()
        unseen = ~self._seen.contain(self._rows, self._items, self._count)
        everything = np.ones(len(self._rows), bool)
        return self._filled(everything), self._filled(unseen)

    def _filled(self, kept: np.ndarray) -> np.ndarray:
        """Returns [B, K], the first K of the `kept` items of each query."""
        found = np.full((len(self._queries), self._k), ABSENT, np.int64)
        rows, items = self._rows[kept], self._items[kept]
        places = _places(rows, len(self._queries))
        inside = places < self._k
        found[rows[inside], places[inside]] = items[inside]
        return found

    def _merge(self) -> None:
        """Sorts what waits into the lists, and drops what is in neither."""
        rows, items, scores = (
            np.concatenate(parts)
            for parts in zip((self._rows, self._items, self._scores), *self._aside, strict=True)
        )
        self._aside, self._waiting = [], 0
        ties = tie_order(self._queries[rows], items, self._seed)
        order = np.lexsort((ties, -scores, rows))
        rows, items, scores = rows[order], items[order], scores[order]
        size = len(self._queries)
        unseen = ~self._seen.contain(rows, items, self._count)
        ahead = _places(rows, size, unseen)
        keep = (_places(rows, size) < self._k) | (unseen & (ahead < self._k))
        self._rows, self._items, self._scores = rows[keep], items[keep], scores[keep]
        last = unseen & (ahead == self._k - 1)
        self._worst[rows[last]] = scores[last]


def _places(rows: np.ndarray, count: int, counted: np.ndarray | None = None) -> np.ndarray:
    """Returns int64 [P]: how many entries of the same row come before each, in sorted `rows`.

    Args:
      rows: int [P], ascending, each in [0, count).
      count: B.
      counted: bool [P], the entries that count; by default all.
    """
    ones = np.ones(len(rows), np.int64) if counted is None else counted.astype(np.int64)
    before = np.cumsum(ones) - ones
    starts = np.searchsorted(rows, np.arange(count))
    first = before[np.minimum(starts, max(len(rows) - 1, 0))] if len(rows) else before
    return before - first[rows] if len(rows) else before
