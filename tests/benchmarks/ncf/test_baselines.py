from __future__ import annotations

import numpy as np
import pytest

from benchmarks.ncf.baselines import ials, item_knn, popularity, random
from easyrec_lite.evaluation.ranking import ItemSets

RATED = np.array(
    [[1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 1, 0], [1, 0, 0, 1, 0]]
)
SEEN = ItemSets.of([np.flatnonzero(row) for row in RATED])


def test_popularity_counts_ratings() -> None:
    queries, items = popularity(SEEN, 5, 1)
    np.testing.assert_array_equal(queries @ items.T, [[3, 3, 2, 2, 0]] * 5)


@pytest.mark.parametrize("neighbours", [1, 2, 100])
def test_item_knn_by_loops(neighbours: int) -> None:
    given = RATED.astype(float)
    expected = np.zeros((5, 5))
    for item in range(5):
        cosines = np.zeros(5)
        for other in range(5):
            both = given[:, item] @ given[:, other]
            if other != item and both:
                norms = np.linalg.norm(given[:, item]) * np.linalg.norm(given[:, other])
                cosines[other] = both / norms
        cosines[cosines < sorted(cosines)[-min(neighbours, 5)]] = 0
        expected[:, item] = given @ cosines
    queries, items = item_knn(SEEN, 5, 1, neighbours)
    np.testing.assert_allclose(queries @ items.T, expected, atol=1e-6)


def test_random_follows_its_seed_and_favours_none() -> None:
    one, same, other = (random(SEEN, 5, seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).all()
    queries, items = random(ItemSets.of([[]] * 2000), 10, 3)
    first = np.bincount(np.argmax(queries @ items.T, axis=1), minlength=10)
    assert first.min() > 0


def test_ials_finds_the_least_squares() -> None:
    pytest.importorskip("implicit")
    users, items = ials(SEEN, 5, 1, factors=4, regularization=0.1, alpha=3.0, iterations=30)
    # At the optimum each user's factors solve the normal equations of the stated loss.
    for user, row in enumerate(RATED):
        weights = np.where(row > 0, 3.0, 1.0)
        left = (items.T * weights) @ items + 0.1 * np.eye(4)
        solved = np.linalg.solve(left, (items.T * weights) @ row)
        np.testing.assert_allclose(users[user], solved, atol=2e-2)
