"""The baseline item-kNN: items like those that the user has seen, by the cosine over users.

1. `nearest_items` counts, for a block of items at a time, how many users have seen an item together
   with each other item. The counts divided by the root of the items' own counts are the cosines of
   their columns in the matrix of users and items. Each item keeps its nearest ones.
2. `ItemNeighbours` scores an item for a user by the sum of the cosines between it and those of its
   nearest items that the user has seen (Deshpande and Karypis, 2004).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from easyrec_lite.evaluation.ranking.sets import ItemSets

NEIGHBOURS = 50
# How many pairs of items are counted at a time.
PAIRS = 1 << 23
# A dense array of counts may have this many zeros for each pair.
SPARSE = 8


@dataclass(frozen=True)
class NearestItems:
    """The nearest items of M items; equally near ones at the end are all kept.

    Attributes:
      items: the numbers of each item's nearest items, ascending.
      cosines: float64 [N], the cosine with each of `items.items`, above 0.
    """

    items: ItemSets
    cosines: np.ndarray


def nearest_items(seen: ItemSets, count: int, neighbours: int = NEIGHBOURS) -> NearestItems:
    """Returns the nearest items of each item, itself left out.

    Args:
      seen: the items that each of U users has seen, none of them `ABSENT`.
      count: M.
      neighbours: how many nearest items are kept, and those equally near as the last.
    """
    users = ItemSets.of_pairs(seen.items, seen.queries, count)
    norms = np.sqrt(np.maximum(users.sizes, 1))
    parts = [
        _nearest(first, last, seen, users, norms, neighbours)
        for first, last in _blocks(seen, users)
    ]
    rows, items, cosines = (np.concatenate(each) for each in zip(*parts, strict=True))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))])
    return NearestItems(ItemSets(offsets.astype(np.int64), items), cosines)


def _blocks(seen: ItemSets, users: ItemSets) -> Iterator[tuple[int, int]]:
    """Yields blocks of items [first, last) of about `PAIRS` pairs, at least one item each."""
    pairs = np.bincount(users.queries, seen.sizes[users.items], len(users))
    block = np.cumsum(pairs) // PAIRS
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    yield from zip(starts.tolist(), [*starts[1:].tolist(), len(users)], strict=True)


def _nearest(
    first: int, last: int, seen: ItemSets, users: ItemSets, norms: np.ndarray, neighbours: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns item, nearest item and cosine [N] for the items [first, last), in that order."""
    having = users.take(np.arange(first, last))
    others = seen.take(having.items)
    rows = having.queries[others.queries]
    keys, counts = _counted(rows * len(norms) + others.items, (last - first) * len(norms))
    rows, items = keys // len(norms) + first, keys % len(norms)
    cosines = np.where(rows == items, 0.0, counts / (norms[rows] * norms[items]))
    keep = cosines > 0
    bounds = np.searchsorted(rows, np.arange(first, last + 1))
    for start, stop in itertools.pairwise(bounds.tolist()):
        own = cosines[start:stop]
        if len(own) > neighbours:
            keep[start:stop] &= own >= np.partition(own, -neighbours)[-neighbours]
    return rows[keep], items[keep], cosines[keep]


def _counted(keys: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the different keys, ascending in [0, size), and how often each occurs."""
    if size > SPARSE * len(keys):
        return np.unique(keys, return_counts=True)
    counts = np.bincount(keys, minlength=size)
    found = np.flatnonzero(counts)
    return found, counts[found]


class ItemNeighbours:
    """Scores all items for users by the items that they have seen.

    Args:
      nearest: of M items.
      seen: the items that each of Q users has seen.
    """

    def __init__(self, nearest: NearestItems, seen: ItemSets):
        self._seen, self._count = seen, len(nearest.items)
        # Of each seen item: the items that count it among their nearest, and the cosines.
        order = np.argsort(nearest.items.items, kind="stable")
        self._items, self._cosines = nearest.items.queries[order], nearest.cosines[order]
        sizes = np.bincount(nearest.items.items, minlength=self._count)
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self._places = ItemSets(offsets, np.arange(len(order)))

    def __call__(self, queries: np.ndarray) -> np.ndarray:
        """Returns the scores float32 [B, M] of queries int64 [B]."""
        scores = np.empty((len(queries), self._count), np.float32)
        for row, query in enumerate(queries.tolist()):
            places = self._places.take(self._seen.block(query, query + 1).items).items
            scores[row] = np.bincount(self._items[places], self._cosines[places], self._count)
        return scores
