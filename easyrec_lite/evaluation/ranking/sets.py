"""A set of items for each query: its held-out items, or the items that it has seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

ABSENT = -1


@dataclass(frozen=True)
class ItemSets:
    """Sets of item numbers, one for each query, in one array.

    Attributes:
      offsets: int64 [Q + 1]; query q has `items[offsets[q] : offsets[q + 1]]`.
      items: int64 [H], the numbers of items; `ABSENT` (-1) is an item that is not in the table.
    """

    offsets: np.ndarray
    items: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def of(cls, sets: ItemSets | Sequence[Iterable[int]]) -> ItemSets:
        """Returns the sets of Q lists of item numbers; a repeated number counts once."""
        if isinstance(sets, ItemSets):
            return sets
        rows = [np.fromiter(items, np.int64) for items in sets]
        queries = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        return cls.of_pairs(queries, np.concatenate([*rows, np.empty(0, np.int64)]), len(rows))

    @classmethod
    def of_pairs(cls, queries: np.ndarray, items: np.ndarray, count: int) -> ItemSets:
        """Returns the sets of P pairs.

        Args:
          queries: int [P], each in [0, count).
          items: int [P]. A known item that a query has twice counts once; `ABSENT` counts each
            time, as it stands for different items.
          count: Q.
        """
        order = np.lexsort((items, queries))
        queries, items = np.asarray(queries)[order], np.asarray(items, np.int64)[order]
        repeated = (queries[1:] == queries[:-1]) & (items[1:] == items[:-1]) & (items[1:] != ABSENT)
        new = np.concatenate([np.ones(min(len(items), 1), bool), ~repeated])
        sizes = np.bincount(queries[new], minlength=count)
        return cls(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), items[new])

    @property
    def sizes(self) -> np.ndarray:
        """The number of items of each query, int64 [Q]."""
        return np.diff(self.offsets)

    @property
    def queries(self) -> np.ndarray:
        """The query of each item, int64 [H]."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def take(self, queries: np.ndarray) -> ItemSets:
        """Returns the sets of the queries `queries`, int [Q'], in that order."""
        sizes = self.sizes[queries]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        shift = np.repeat(self.offsets[:-1][queries] - offsets[:-1], sizes)
        return ItemSets(offsets, self.items[np.arange(offsets[-1]) + shift])

    def block(self, start: int, stop: int) -> ItemSets:
        """Returns the sets of the queries [start, stop)."""
        first, last = self.offsets[start], self.offsets[stop]
        return ItemSets(self.offsets[start : stop + 1] - first, self.items[first:last])

    def keys(self, count: int) -> np.ndarray:
        """Returns query · count + item of all known items, int64, ascending; `count` is M."""
        known = self.items >= 0
        return np.sort(self.queries[known] * count + self.items[known])
