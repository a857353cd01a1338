"""The probability that a sampler draws an item, by weight without replacement, for a batch."""

from __future__ import annotations

import numpy as np

_HALVINGS = 200


def inclusion_probabilities(weights: np.ndarray, size: int, free: np.ndarray) -> np.ndarray:
    """Returns float64 [M]: the probability that an item is drawn for a batch that may draw it.

    Drawing by weight, one after another among the items that are left, is the same as giving each
    item a clock that rings after an exponential time with rate w, and taking the `size` items that
    ring first (Efraimidis and Spirakis, 2006). With many items, the last of them rings at a time t
    that hardly varies. So an item is drawn with probability `π = 1 − exp(−w·t)`, where t is found
    by bisection such that `Σ free·π = size` (Rosén, 1972). Where at most `size` items are left, all
    are drawn.

    Args:
      weights: float64 [M], finite and ≥ 0; an item of weight 0 is never drawn.
      size: how many items are drawn for a batch.
      free: float64 [M], the probability that a batch does not exclude the item.
    """
    drawable = weights > 0
    if free[drawable].sum() <= size:
        return drawable.astype(np.float64)
    rates = weights / weights.max()
    low, high = 0.0, 1.0
    while _drawn(rates, high, free) < size:
        low, high = high, 2 * high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _drawn(rates, middle, free) < size else (low, middle)
    return -np.expm1(-rates * high)


def _drawn(rates: np.ndarray, time: float, free: np.ndarray) -> float:
    """Returns the expected number of items whose clocks have rung at `time`."""
    return float(-np.expm1(-rates * time) @ free)
