"""The K best items of each query, from scores that come in blocks of items.

Sorting every block would cost more than scoring it. Instead:
1. The first block gives each query a threshold: its K-th best score among unseen items.
2. Of each block, only entries at or above the query's threshold pass, which are few: a comparison
   of the whole block, and the places where it is true (`_true_places`). Of those equal to the
   threshold, entries that lose the tie (`tie_order`) are removed.
3. What passes is put aside. More than 2·B·K entries aside are merged: they are sorted together with
   the lists so far by query, score and tie. An entry stays if it is among the query's first K
   items, or among its first K unseen ones. The K-th unseen entry is the new threshold.
4. At the end both lists are read off: the first K of all items, and of the unseen ones.
Every entry that can be in a list passes: unseen entries below the threshold have K better ones, and
seen entries below it have K better ones too.
"""

from __future__ import annotations

import numpy as np

from easyrec_lite.evaluation.ranking.sets import ABSENT, ItemSets
from easyrec_lite.evaluation.ranking.ties import tie_order

_LAST_TIE = np.iinfo(np.uint64).max
_WORD = 8
ITEMS_AT_ONCE = 4096


class BestItems:
    """Keeps two lists of B queries: the K best of all items, and of the items not seen.

    Args:
      queries: int64 [B], the numbers of the queries, for the order of equal scores.
      seen: the items that each query has seen.
      count: M, the number of items.
      k: K.
      seed: of the order of equal scores.
    """

    def __init__(self, queries: np.ndarray, seen: ItemSets, count: int, k: int, seed: int):
        self._queries, self._seen, self._seed, self._k = queries, seen, seed, k
        self._seen_keys = seen.keys(count)
        self._count = count
        # The entries that are in a list, by query and place: query (row in B), item, score.
        self._rows, self._items = np.empty(0, np.int64), np.empty(0, np.int64)
        self._scores = np.empty(0, np.float32)
        # The threshold of each query: score and tie of its K-th unseen entry.
        self._worst = np.full(len(queries), -np.inf, np.float32)
        self._worst_tie = np.full(len(queries), _LAST_TIE)
        self._aside: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._waiting, self._started = 0, False

    def offer(self, scores: np.ndarray, items: np.ndarray) -> None:
        """Takes the scores of more items, `ITEMS_AT_ONCE` at a time.

        Args:
          scores: float32 [B, m], finite.
          items: int64 [m], the numbers of the items, ascending; or [B, m], of each query.
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
        entries = self._without_late_ties(rows, chosen, scores[rows, columns])
        self._aside.append(entries)
        self._waiting += len(entries[0])
        if self._waiting > 2 * len(self._queries) * self._k:
            self._merge()

    def lists(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns both lists, int64 [B, K]: of all items, and of the items not seen.

        The best item comes first; a shorter list is filled with `ABSENT`.
        """
        if self._waiting:
            self._merge()
        everything = np.ones(len(self._rows), bool)
        return self._filled(everything), self._filled(self._unseen(self._rows, self._items))

    def _filled(self, kept: np.ndarray) -> np.ndarray:
        """Returns [B, K], the first K of the `kept` items of each query."""
        lists = np.full((len(self._queries), self._k), ABSENT, np.int64)
        rows, items = self._rows[kept], self._items[kept]
        places = _places(rows, np.ones(len(rows), bool), len(self._queries))
        inside = places < self._k
        lists[rows[inside], places[inside]] = items[inside]
        return lists

    def _first_worst(self, scores: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Returns float32 [B], the K-th best of the first scores [B, m] without the seen items."""
        places = np.searchsorted(items, self._seen.items)
        places = np.minimum(places, len(items) - 1)
        inside = items[places] == self._seen.items
        unseen = scores.copy()
        unseen[self._seen.queries[inside], places[inside]] = -np.inf
        unseen.partition(len(items) - self._k, axis=1)
        return unseen[:, len(items) - self._k].copy()

    def _without_late_ties(
        self, rows: np.ndarray, items: np.ndarray, scores: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Removes entries whose score equals the threshold and whose tie comes after it."""
        equal = np.flatnonzero(scores == self._worst[rows])
        ties = tie_order(self._queries[rows[equal]], items[equal], self._seed)
        late = equal[ties > self._worst_tie[rows[equal]]]
        if not late.size:
            return rows, items, scores
        return np.delete(rows, late), np.delete(items, late), np.delete(scores, late)

    def _merge(self) -> None:
        """Sorts the entries aside into the lists, and removes what is in neither."""
        self._aside.append((self._rows, self._items, self._scores))
        rows, items, scores = (np.concatenate(parts) for parts in zip(*self._aside, strict=True))
        self._aside, self._waiting = [], 0
        order = self._order(rows, items, scores)
        rows, items, scores = rows[order], items[order], scores[order]
        unseen, size = self._unseen(rows, items), len(self._queries)
        # `ahead` counts the unseen entries before each. The K-th unseen one is the worst that can
        # stay.
        ahead = _places(rows, unseen, size)
        last = unseen & (ahead == self._k - 1)
        self._worst[rows[last]] = scores[last]
        self._worst_tie[rows[last]] = tie_order(self._queries[rows[last]], items[last], self._seed)
        # The first K of all entries, and the first K of the unseen ones.
        keep = _places(rows, np.ones(len(rows), bool), size) < self._k
        keep |= unseen & (ahead < self._k)
        self._rows, self._items, self._scores = rows[keep], items[keep], scores[keep]

    def _order(self, rows: np.ndarray, items: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Returns int [P], the order of the entries: by query, falling score, tie.

        Query and score make one key of 64 bits. Only if two keys are equal, a second sort orders
        them by the tie, of which as many bits as fit stand below the number of the run.
        """
        keys = (rows.astype(np.uint64) << np.uint64(32)) | _falling(scores)
        order = np.argsort(keys)
        new = np.diff(keys[order]) != 0
        if new.all():
            return order
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
    """Returns uint64 [P] below 2³²: a larger score has a smaller value; 0.0 equals -0.0.

    The bits of a positive float ascend with it, those of a negative one descend.
    """
    bits = (scores + np.float32(0)).view(np.uint32)
    negative = bits >> np.uint32(31) == 1
    return np.where(negative, bits, ~bits & np.uint32(0x7FFFFFFF)).astype(np.uint64)


def _true_places(flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows and columns of the true flags [B, m]; fast if few are true.

    Eight flags are read as one integer, so that a stretch without a true flag costs one comparison.
    """
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
