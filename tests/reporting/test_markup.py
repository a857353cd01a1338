"""Elements escape what they are given, whatever it is."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyrec_lite.reporting.markup import Html, joined, number, table, tag
from tests.reporting.reading import parse, tables

TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))


@given(TEXTS, TEXTS)
def test_texts_come_back_as_they_were(text: str, title: str) -> None:
    (node,) = parse(tag("p", text, "|", title_=title)).all("p")
    assert node.text == text + "|"
    assert node.attributes["title"] == title
    assert node.everything() == []


@pytest.mark.parametrize("letter", ["\0", "\x1b", "\x85", "\ud800", "\uffff"])
def test_what_html_cannot_hold_is_replaced(letter: str) -> None:
    made = tag("p", f"a{letter}b")
    assert made == "<p>a\ufffdb</p>"
    made.encode("utf-8")


def test_markup_stays_markup_and_none_is_nothing() -> None:
    assert tag("p", Html("<b>"), None, "<b>", hidden=True, id=None) == (
        "<p hidden><b>&lt;b&gt;</p>"
    )
    assert joined([tag("i", "<"), "<"], "&") == "<i>&lt;</i>&amp;&lt;"
    assert tag("meta", charset="utf-8") == '<meta charset="utf-8">'


@given(st.floats(allow_nan=False) | st.integers())
def test_numbers_have_all_their_digits(value: float) -> None:
    (node,) = parse(number(value)).all("data")
    found = node.attributes["value"] or ""
    assert type(value)(found) == value
    if isinstance(value, float) and math.isfinite(value) and 1e-3 < abs(value) < 1e4:
        assert float(node.text) == pytest.approx(value, rel=1e-3)


def test_tables() -> None:
    made = parse(table("A & B", ["n", "<x>"], [["a", 0.125], [Html("<b>b</b>"), None]]))
    assert tables(made) == {"A & B": [{"n": "a", "<x>": 0.125}, {"n": "b", "<x>": ""}]}
    (region,) = made.all("div")
    assert region.attributes["tabindex"] == "0"
    assert [cell.attributes["scope"] for cell in made.all("th")] == ["col", "col", "row", "row"]
