"""Whether two models differ on the same queries: a paired test of the mean difference.

If two models are alike, the difference of their metrics on a user's queries has either sign with
equal probability. The p-value is the share of all changes of signs whose mean difference is as far
from 0 as the one that is found, or farther (Fisher's randomisation test). Up to `PERMUTATIONS`
changes are all tried; otherwise that many are drawn. The interval is that of bootstrap samples of
the users.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from easyrec_lite.evaluation.ranking.intervals import (
    DRAWS,
    drawn_units,
    interval,
    resampled_means,
    unit_sums,
)

PERMUTATIONS = 10_000
# Sums of the same numbers in another order may differ by this share.
ROUNDING = 1e-9


@dataclass(frozen=True)
class PairedTest:
    """The mean differences of C metrics, float64 [C] each.

    Attributes:
      difference: the means.
      low, high: the bounds of their 95 % intervals.
      p: the probability of a mean as far from 0, if the models are alike; two-sided.
    """

    difference: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray


def paired_test(
    differences: np.ndarray,
    seed: int,
    users: np.ndarray | None = None,
    permutations: int = PERMUTATIONS,
) -> PairedTest:
    """Returns the test of the differences of S queries, at least one.

    Args:
      differences: float64 [S, C].
      seed: of the draws.
      users: as of `resampled_means`; the differences of a user's queries change signs together.
      permutations: how many changes of signs are tried at most.
    """
    low, high = interval(resampled_means(differences, seed, users))
    generator = np.random.default_rng(seed)
    names = np.arange(len(differences)) if users is None else users
    sums = unit_sums(differences, drawn_units(names, generator))
    sums = sums[(sums != 0).any(axis=1)]
    observed = np.abs(sums.sum(axis=0)) - ROUNDING * np.abs(sums).sum(axis=0)
    # The signs as they are count as one of the changes, which keeps p above 0.
    extreme, tried = np.ones(differences.shape[1]), 1
    exact = len(sums) < permutations.bit_length() and 2 ** len(sums) <= permutations
    for signs in _all_signs(len(sums)) if exact else _signs(len(sums), permutations, generator):
        extreme += (np.abs(signs @ sums) >= observed).sum(axis=0)
        tried += len(signs)
    return PairedTest(differences.mean(axis=0), low, high, extreme / tried)


def _all_signs(units: int) -> Iterator[np.ndarray]:
    """Yields [2^U − 1, U], all changes of signs but that which changes none."""
    signs = np.array(list(itertools.product((1.0, -1.0), repeat=units)))[1:]
    if len(signs):
        yield signs


def _signs(units: int, permutations: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Yields random signs float64 [r, U], R rows in all."""
    at_once = max(1, DRAWS // units)
    for start in range(0, permutations, at_once):
        rows = min(at_once, permutations - start)
        yield generator.integers(2, size=(rows, units)) * 2.0 - 1
