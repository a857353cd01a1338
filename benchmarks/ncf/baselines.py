"""Baselines: functions of the training ratings to vectors whose inner products are the scores.

Each takes the items that each of Q users rated, M and a seed, and returns float32 ([Q, D], [M, D]).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.evaluation.ranking import ItemSets
from easyrec_lite.evaluation.ranking.neighbours import nearest_items

Vectors = tuple[np.ndarray, np.ndarray]
RANDOM_WIDTH = 64


def random(seen: ItemSets, items: int, seed: int) -> Vectors:
    """Returns vectors drawn at random: every order of the items is as likely for a user."""
    generator = np.random.default_rng(seed)
    users, vectors = (
        generator.standard_normal((size, RANDOM_WIDTH), np.float32) for size in (len(seen), items)
    )
    return users, vectors


def popularity(seen: ItemSets, items: int, seed: int) -> Vectors:
    """Scores an item by its number of ratings in training, for all users alike."""
    counts = np.bincount(seen.items, minlength=items).astype(np.float32)
    return np.ones((len(seen), 1), np.float32), counts[:, None]


def item_knn(seen: ItemSets, items: int, seed: int, neighbours: int = 50) -> Vectors:
    """Scores an item by the sum of the cosines between it and those that the user saw.

    An item counts what its `neighbours` nearest have, itself left out; cosines over users.
    """
    rated = np.zeros((len(seen), items), np.float32)
    rated[seen.queries, seen.items] = 1
    nearest = nearest_items(seen, items, neighbours)
    cosine = np.zeros((items, items), np.float32)
    cosine[nearest.items.queries, nearest.items.items] = nearest.cosines
    return rated, cosine


def ials(
    seen: ItemSets,
    items: int,
    seed: int,
    factors: int = 128,
    regularization: float = 30.0,
    alpha: float = 2.0,
    iterations: int = 12,
) -> Vectors:
    """Returns the factors of implicit matrix factorisation, fitted by alternating least squares.

    It minimises `Σ_seen α(1 − x)² + Σ_others x² + λ(|u|² + |i|²)`, x = ⟨u, i⟩ (Hu et al., 2008),
    by the package `implicit`, on one thread. The defaults are the best of a search on the held-out
    ratings themselves, over 64 … 192 factors, α 1 … 10 and λ 1 … 100, which flatters it.

    Raises:
      ConfigError: the package is not installed.
    """
    try:
        from implicit.cpu.als import AlternatingLeastSquares
        from scipy.sparse import csr_matrix
    except ImportError as error:
        raise ConfigError(
            Problem("iALS needs the package implicit", remedy="pip install -e '.[bench]'")
        ) from error
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*BLAS.*", category=RuntimeWarning)
        model = AlternatingLeastSquares(
            factors=factors,
            regularization=regularization,
            alpha=alpha,
            iterations=iterations,
            num_threads=1,
            random_state=seed,
        )
        ones = np.ones(len(seen.items), np.float32)
        model.fit(
            csr_matrix((ones, seen.items, seen.offsets), (len(seen), items)), show_progress=False
        )
    return model.user_factors, model.item_factors


BASELINES: dict[str, Callable[[ItemSets, int, int], Vectors]] = {
    "random": random,
    "popularity": popularity,
    "item-kNN": item_knn,
    "iALS": ials,
}
SEEDED = ("random", "iALS")
