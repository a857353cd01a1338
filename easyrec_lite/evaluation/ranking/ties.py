"""The order of items with equal scores: pseudo-random, so that no scorer gains by it."""

from __future__ import annotations

import numpy as np

TIES = (
    "items with equal scores come in a pseudo-random order of their own for each query (seeded), "
    "so that each of them is as likely to be first"
)
# The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input moves every bit.
_GOLDEN, _FIRST, _SECOND = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)


def tie_order(queries: np.ndarray, items: np.ndarray, seed: int) -> np.ndarray:
    """Returns uint64 [P], the keys that order equal scores of a query, the smallest first.

    Args:
      queries: int [P], the numbers of queries.
      items: int [P], the numbers of items.
      seed: of the order; one seed gives one order, whatever the blocks.
    """
    start = np.uint64(seed % 2**64)
    return _mix(_mix(queries.astype(np.uint64) + start) + items.astype(np.uint64))


def _mix(values: np.ndarray) -> np.ndarray:
    values = (values + np.uint64(1)) * _GOLDEN
    values = (values ^ (values >> np.uint64(30))) * _FIRST
    values = (values ^ (values >> np.uint64(27))) * _SECOND
    return values ^ (values >> np.uint64(31))
