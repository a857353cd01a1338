"""The K best items of each query, out of scores that come block by block."""

from __future__ import annotations

import numpy as np

from easyrec_lite.evaluation.ranking.sets import ABSENT, ItemSets
from easyrec_lite.evaluation.ranking.ties import tie_order

_LAST_TIE = np.iinfo(np.uint64).max
_WORD = 8
ITEMS_AT_ONCE = 4096


class BestItems:
    """Keeps the K best items of B queries twice: all items, and those not seen.

    What is offered is compared with the K-th unseen item of the lists so far; the few that pass
    are put aside and merged when there are many, so that sorting costs little beside scoring.

    Args:
      queries: int64 [B], numbers of the queries, for the order of equal scores.
      seen: the items seen by each of them.
      count: M, the number of items.
      k: K.
      seed: of the order of equal scores.
    """

    def __init__(self, queries: np.ndarray, seen: ItemSets, count: int, k: int, seed: int):
        self._queries, self._seen, self._seed, self._k = queries, seen, seed, k
        self._seen_keys = seen.keys(count)
        self._count = count
        # The items in a list, by query and place; and the K-th unseen item of each query.
        self._rows, self._items = np.empty(0, np.int64), np.empty(0, np.int64)
        self._scores = np.empty(0, np.float32)
        self._worst = np.full(len(queries), -np.inf, np.float32)
        self._worst_tie = np.full(len(queries), _LAST_TIE)
        self._aside: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._waiting, self._started = 0, False

    def offer(self, scores: np.ndarray, items: np.ndarray) -> None:
        """Takes the scores of some more items, and sorts at most `ITEMS_AT_ONCE` of them at once.

        Args:
          scores: float32 [B, m], finite.
          items: int64 [m], numbers of the items, ascending; or [B, m], each query's own.
        """
        for start in range(0, items.shape[-1], ITEMS_AT_ONCE):
            block = slice(start, start + ITEMS_AT_ONCE)
            self._offer(scores[:, block], items[..., block])

    def _offer(self, scores: np.ndarray, items: np.ndarray) -> None:
        if not self._started and items.ndim == 1 and len(items) > self._k:
            self._worst = self._first_worst(scores, items)
        self._started = True
        rows, columns = _true_places(scores >= self._worst[:, None])
        chosen = items[columns] if items.ndim == 1 else items[rows, columns]
        found = self._without_ties(rows, chosen, scores[rows, columns])
        self._aside.append(found)
        self._waiting += len(found[0])
        if self._waiting > 2 * len(self._queries) * self._k:
            self._merge()

    def lists(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the lists so far, int64 [B, K] each: of all items, and of those not seen.

        The best comes first; `ABSENT` fills up what is missing to K.
        """
        if self._waiting:
            self._merge()
        everything = np.ones(len(self._rows), bool)
        return self._filled(everything), self._filled(self._unseen(self._rows, self._items))

    def _filled(self, kept: np.ndarray) -> np.ndarray:
        """Returns [B, K], the first K of the `kept` items of each query."""
        found = np.full((len(self._queries), self._k), ABSENT, np.int64)
        rows, items = self._rows[kept], self._items[kept]
        places = _places(rows, np.ones(len(rows), bool), len(self._queries))
        inside = places < self._k
        found[rows[inside], places[inside]] = items[inside]
        return found

    def _first_worst(self, scores: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Returns float32 [B], the K-th best of the first scores [B, m] without the seen items."""
        places = np.searchsorted(items, self._seen.items)
        places = np.minimum(places, len(items) - 1)
        inside = items[places] == self._seen.items
        unseen = scores.copy()
        unseen[self._seen.queries[inside], places[inside]] = -np.inf
        unseen.partition(len(items) - self._k, axis=1)
        return unseen[:, len(items) - self._k].copy()

    def _without_ties(
        self, rows: np.ndarray, items: np.ndarray, scores: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Drops what equals the K-th unseen item in score and comes after it."""
        equal = np.flatnonzero(scores == self._worst[rows])
        ties = tie_order(self._queries[rows[equal]], items[equal], self._seed)
        late = equal[ties > self._worst_tie[rows[equal]]]
        if not late.size:
            return rows, items, scores
        return np.delete(rows, late), np.delete(items, late), np.delete(scores, late)

    def _merge(self) -> None:
        """Sorts what waits into the lists, and drops what is in neither."""
        self._aside.append((self._rows, self._items, self._scores))
        rows, items, scores = (np.concatenate(parts) for parts in zip(*self._aside, strict=True))
        self._aside, self._waiting = [], 0
        order = self._order(rows, items, scores)
        rows, items, scores = rows[order], items[order], scores[order]
        unseen, size = self._unseen(rows, items), len(self._queries)
        ahead = _places(rows, unseen, size)
        last = unseen & (ahead == self._k - 1)
        self._worst[rows[last]] = scores[last]
        self._worst_tie[rows[last]] = tie_order(self._queries[rows[last]], items[last], self._seed)
        keep = _places(rows, np.ones(len(rows), bool), size) < self._k
        keep |= unseen & (ahead < self._k)
        self._rows, self._items, self._scores = rows[keep], items[keep], scores[keep]

    def _order(self, rows: np.ndarray, items: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Returns int [P], the entries by query, falling score, and the order of equal scores."""
        keys = (rows.astype(np.uint64) << np.uint64(32)) | _falling(scores)
        order = np.argsort(keys)
        new = np.diff(keys[order]) != 0
        if new.all():
            return order
        # Number of the run of equal keys in the upper bits, as much of the tie as fits below.
        runs = np.concatenate([[0], np.cumsum(new)]).astype(np.uint64)
        bits = np.uint64(int(runs[-1]).bit_length())
        ties = tie_order(self._queries[rows[order]], items[order], self._seed)
        if bits:
            ties = (runs << (np.uint64(64) - bits)) | (ties >> bits)
        return order[np.argsort(ties)]

    def _unseen(self, rows: np.ndarray, items: np.ndarray) -> np.ndarray:
        if not self._seen_keys.size:
            return np.ones(len(rows), bool)
        keys = rows * self._count + items
        at = np.minimum(np.searchsorted(self._seen_keys, keys), len(self._seen_keys) - 1)
        return self._seen_keys[at] != keys


def _falling(scores: np.ndarray) -> np.ndarray:
    """Returns uint64 [P] below 2³², in which larger scores are smaller; 0.0 and -0.0 are equal."""
    bits = (scores + np.float32(0)).view(np.uint32)
    negative = bits >> np.uint32(31) == 1
    return np.where(negative, bits, ~bits & np.uint32(0x7FFFFFFF)).astype(np.uint64)


def _true_places(flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns rows and columns of the true flags [B, m], fast where few are true."""
    if flags.shape[1] % _WORD:
        rows, columns = np.nonzero(flags)
        return rows, columns
    words = np.flatnonzero(flags.view(np.uint64))
    which, offset = np.nonzero(flags.reshape(-1, _WORD)[words])
    return np.divmod(words[which] * _WORD + offset, flags.shape[1])


def _places(rows: np.ndarray, counted: np.ndarray, size: int) -> np.ndarray:
    """Returns int64 [P]: how many counted entries of the same row come before each.

    Args:
      rows: int [P], ascending, each in [0, size).
      counted: bool [P].
      size: B.
    """
    before = np.cumsum(counted) - counted
    starts = np.searchsorted(rows, np.arange(size))
    return before - np.append(before, 0)[starts][rows]
