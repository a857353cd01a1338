"""Ids of rows that a table lacks."""

from __future__ import annotations

import pytest

from easyrec_lite.core.errors import Place, Problem
from easyrec_lite.data.tables.joins import join_problem, likely_cause, unknown_problem


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


def unknown(count: int, total: int, required: bool = True) -> Problem | None:
    missing = [f"i{number}" for number in range(count)]
    known = [f"I{number}" for number in range(count)]
    return unknown_problem("edges lack", missing, count, total, known, Place("e.txt"), required)


def test_entries_of_which_none_joins_are_an_error() -> None:
    every, optional, most, some = unknown(1, 1), unknown(2, 2, False), unknown(9, 10), unknown(2, 9)
    assert every is not None
    assert optional is not None
    assert most is not None
    assert some is not None
    kinds = [each.severity for each in (every, optional, most, some)]
    assert kinds == ["error", "warning", "warning", "warning"]
    assert "case" in most.message
    assert "case" not in some.message
    assert "2 of 9 edges" in some.message
    assert "'i0'" in some.found
    assert some.place.file == "e.txt"
    assert unknown(0, 0) is None
    assert unknown(1, 1000) is None


def test_users_without_entries_are_an_error_only_if_the_ids_are_alike() -> None:
    ids = [f"u{row}" for row in range(20)]
    for known, kind in ((["U7", "U8"], "error"), (["7", "8"], "warning")):
        made = join_problem(
            "user",
            ids,
            [True] * 20,
            lambda known=known: known,
            "r",
            "t",
            True,
            only_alike=True,  # type: ignore[misc]
        )
        assert made is not None
        assert made.severity == kind
