"""Ids of rows that a table lacks."""

from __future__ import annotations

import pytest

from easyrec_lite.core.errors import Problem
from easyrec_lite.data.tables.joins import join_problem, likely_cause


@pytest.mark.parametrize(
    ("ids", "known", "word"),
    [
        (["7.0", "8.0"], ["7", "8"], "decimals"),
        (["7 ", " 8"], ["7", "8"], "spaces"),
        (["u7", "u8"], ["U7", "U8"], "case"),
        (["7", "8"], ["007", "008"], "zeros"),
        (['"a"'], ["a"], "quotes"),
        (["\uff17"], ["7"], "characters"),
        (["u7", "u8"], ["7", "8"], ""),
        ([], ["7"], ""),
        ([f"u{i}" for i in range(50)], ["U1", "U2"], "case"),
    ],
)
def test_the_cause_is_what_makes_them_alike(ids: list[str], known: list[str], word: str) -> None:
    cause = likely_cause(ids, known)
    assert word in cause
    assert bool(cause) == bool(word)


def problem(lacking: int, rows: int, required: bool = True) -> Problem | None:
    ids = [f"i{row}" for row in range(rows)]
    lacks = [row < lacking for row in range(rows)]
    known = lambda: ["I0", *ids[lacking:]]  # noqa: E731
    return join_problem("item", ids, lacks, known, "rows.csv", "items.txt", required)


def test_all_is_an_error_and_some_a_warning() -> None:
    every, optional, some = problem(40, 40), problem(40, 40, False), problem(20, 40)
    assert every is not None
    assert optional is not None
    assert some is not None
    assert [each.severity for each in (every, optional, some)] == ["error", "warning", "warning"]
    assert (every.place.file, every.path) == ("rows.csv", "item")
    for word in ("50.0%", "40", "items.txt"):
        assert word in some.message
    assert "'i0'" in some.found
    assert "'I0'" in some.expected
    assert problem(9, 9) is None
    assert problem(10, 2000) is None
