"""The paired test, against cases that are known, scipy's test and its own definition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from easyrec_lite.evaluation.ranking.paired import paired_test


def by_definition(differences: list[float]) -> float:
    """The share of all changes of signs with a sum at least as far from 0."""
    observed = abs(sum(differences))
    sums = [
        abs(sum(sign * each for sign, each in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    return sum(each >= observed - 1e-12 for each in sums) / len(sums)


@pytest.mark.parametrize(
    "differences",
    [[1.0] * 5, [0.5, -0.25, 1, 1, 0.125, 0, 0, 0.3], [1.0, -1.0], [0.1, 0.2, -0.3], [0.7]],
)
def test_few_differences_have_the_exact_p(differences: list[float]) -> None:
    found = paired_test(np.array(differences)[:, None], 1)
    assert found.p[0] == pytest.approx(by_definition(differences))
    assert found.difference[0] == pytest.approx(np.mean(differences))


def test_five_wins_of_five_have_p_of_2_in_32() -> None:
    assert paired_test(np.ones((5, 1)), 0).p[0] == 2 / 32


def test_equal_models_have_difference_0_and_p_1() -> None:
    found = paired_test(np.zeros((7, 2)), 0)
    for values, expected in (
        (found.difference, 0),
        (found.low, 0),
        (found.high, 0),
        (found.p, 1),
    ):
        assert values.tolist() == [expected] * 2


def test_many_differences_have_the_p_of_a_t_test() -> None:
    """The signed mean of many queries is about normal, as the t-test assumes."""
    stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(3)
    given = generator.normal([0.0, 0.05, 0.1], 1.0, (800, 3))
    found = paired_test(given, 5, permutations=4000)
    expected = stats.ttest_1samp(given, 0)
    np.testing.assert_allclose(found.p, expected.pvalue, atol=0.03)
    bounds = expected.confidence_interval(0.95)
    np.testing.assert_allclose(found.low, bounds.low, atol=0.015)
    np.testing.assert_allclose(found.high, bounds.high, atol=0.015)


def test_alike_models_are_told_apart_as_rarely_as_p_says() -> None:
    generator = np.random.default_rng(0)
    p = [
        paired_test(generator.normal(size=(30, 1)), seed, permutations=200).p[0]
        for seed in range(300)
    ]
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.09


def test_queries_of_one_user_count_as_one() -> None:
    users = np.array([4, 4, 4, 9, 9])
    found = paired_test(np.ones((5, 1)), 0, users)
    assert found.p[0] == by_definition([3.0, 2.0]) == 0.5


def test_the_seed_decides() -> None:
    given = np.random.default_rng(1).normal(0.1, 1, (60, 2))
    once, again, other = (paired_test(given, seed) for seed in (1, 1, 2))
    assert once.p.tolist() == again.p.tolist()
    assert (once.p != other.p).any()
