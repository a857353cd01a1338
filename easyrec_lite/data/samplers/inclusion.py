"""How likely a sampler draws each item: inclusion probabilities without replacement by weight."""

from __future__ import annotations

import numpy as np

_HALVINGS = 200


def inclusion_probabilities(weights: np.ndarray, size: int, free: np.ndarray) -> np.ndarray:
    """Returns float64 [M]: the probability that an item is drawn for a batch that leaves it free.

    Drawing one after another by weight among those left is taking the `size` items whose clocks,
    exponential with rate w, ring first (Efraimidis and Spirakis, 2006). With many items the last
    of those rings at a time t that hardly varies, hence `π = 1 − exp(−w·t)`, where t gives the
    size: `Σ free·π = size` (Rosén, 1972). Where no more than `size` items are left, all are drawn.

    Args:
      weights: float64 [M], finite and ≥ 0; an item of weight 0 is never drawn.
      size: how many items are drawn for a batch.
      free: float64 [M], the probability that nothing bars the item for a batch.
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
    """The expected number of free items whose clocks rang by `time`."""
    return float(-np.expm1(-rates * time) @ free)
