"""Draws by weight in constant time."""

import numpy as np
import pytest

from easyrec_lite.data.samplers.alias import AliasTable, alias_table

RANDOM = np.random.default_rng(4)
WEIGHTS = {
    "one": np.ones(1),
    "two": np.array([1.0, 3.0]),
    "one is the mean": np.array([1.0, 2.0, 3.0, 4.0, 10.0]),
    "means first and last": np.array([2.0, 2.0, 1.0, 3.0, 1.0, 3.0, 2.0]),
    "equal": np.full(1000, 0.1),
    "heavy first": np.r_[1.0, np.full(999, 1e-6)],
    "heavy last": np.r_[np.full(999, 1e-6), 1.0],
    "many orders": np.exp(RANDOM.normal(0, 8, 1000)),
    "popularity": RANDOM.pareto(1, 20_000) + 1e-3,
}


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_a_table_holds_each_items_share_of_the_weight(weights: np.ndarray) -> None:
    own, other = alias_table(weights)
    assert own.min() >= 0
    assert own.max() <= 1
    held = own + np.bincount(other, 1 - own, len(own))
    np.testing.assert_allclose(held / len(own), weights / weights.sum(), rtol=1e-8)


def test_items_are_drawn_as_often_as_their_shares_of_an_even_grid() -> None:
    weights = np.array([0.5, 4.0, 1.0, 2.5])
    drawn = AliasTable(weights)((np.arange(80_000) + 0.5) / 80_000).numpy()
    np.testing.assert_array_equal(np.bincount(drawn, minlength=4), weights * 10_000)


def test_a_number_just_below_one_is_an_item() -> None:
    drawn = AliasTable(np.full(3, 0.1))(np.array([0.0, np.nextafter(1.0, 0)])).numpy()
    assert drawn.tolist() == [0, 2]
