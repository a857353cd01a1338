"""Intervals of means over queries, by the bootstrap: how far other users might have moved a metric.

A resample draws as many users as there are, with replacement; its mean is that of their queries.
The 2.5 % and 97.5 % quantiles of the resamples' means bound the interval (Efron, 1979, percentile
method). All metrics, of all scorers, are resampled with the same draws, so that the resamples of a
difference are the differences of the resamples.

More than `MOST_UNITS` users are first put together, at random, into that many groups, which are
drawn in their place: the groups are as independent as the users, and the cost stays bounded.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

RESAMPLES = 1000
LEVEL = 0.95
MOST_UNITS = 10_000
# How many draws exist at a time.
DRAWS = 1 << 20


def resampled_means(
    values: np.ndarray,
    seed: int,
    users: np.ndarray | None = None,
    resamples: int = RESAMPLES,
) -> np.ndarray:
    """Returns float64 [R, C], the means of R resamples of the users; NaN without queries.

    Args:
      values: float64 [S, C], C metrics of S queries.
      seed: of the draws; equal seeds and users give equal draws, whatever the values.
      users: int [S], the user of each query; None: each query has a user of its own. Queries of one
        user are drawn together, as they are not independent.
      resamples: R.
    """
    values = np.asarray(values, np.float64)
    if not len(values):
        return np.full((resamples, values.shape[1]), np.nan)
    generator = np.random.default_rng(seed)
    units = drawn_units(np.arange(len(values)) if users is None else users, generator)
    sums, sizes = unit_sums(values, units), np.bincount(units).astype(np.float64)
    draws = _draws(len(sizes), resamples, generator)
    return np.concatenate([(drawn @ sums) / (drawn @ sizes)[:, None] for drawn in draws])


def interval(means: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """Returns float64 [2, C], the lower and the upper bounds of resampled means [R, C]."""
    outside = (1 - level) / 2
    return np.quantile(means, [outside, 1 - outside], axis=0)


def unit_sums(values: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Returns float64 [U, C], the sums of values [S, C] with equal units int [S] in [0, U)."""
    sums = np.zeros((int(units.max(initial=-1)) + 1, values.shape[1]))
    for column in range(values.shape[1]):
        sums[:, column] = np.bincount(units, values[:, column], len(sums))
    return sums


def drawn_units(users: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Returns int [S], the unit of each query in [0, U): its user, or a group of users."""
    names, codes = np.unique(users, return_inverse=True)
    if len(names) <= MOST_UNITS:
        return codes
    return (generator.permutation(len(names)) % MOST_UNITS)[codes]


def _draws(units: int, resamples: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Yields float64 [r, U], how often each unit is in some resamples, R rows in all."""
    at_once = max(1, DRAWS // units)
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        drawn = generator.integers(units, size=(rows, units))
        yield np.stack([np.bincount(row, minlength=units) for row in drawn]).astype(np.float64)
