"""Templates escape what they are given, whatever it is."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markupsafe import Markup

from easyrec_lite.reporting.rendering import Mark, ReportTable, environment, render
from tests.reporting.reading import parse, tables

TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))
PARAGRAPH = environment().from_string('<p title="{{ title }}">{{ text }}|</p>')


def macro(name: str, *arguments: object) -> str:
    macros: Any = environment().get_template("macros.html").module
    return getattr(macros, name)(*arguments)


@given(TEXTS, TEXTS)
def test_texts_come_back_as_they_were(text: str, title: str) -> None:
    (node,) = parse(PARAGRAPH.render(text=text, title=title)).all("p")
    assert node.text == text + "|"
    assert node.attributes["title"] == title
    assert node.everything() == []


@pytest.mark.parametrize("letter", ["\0", "\x1b", "\x85", "\ud800", "\uffff"])
def test_what_html_cannot_hold_is_replaced(letter: str) -> None:
    shown = PARAGRAPH.render(text=f"a{letter}b", title=letter)
    assert shown == '<p title="\ufffd">a\ufffdb|</p>'
    shown.encode("utf-8")


def test_markup_stays_markup_and_none_is_nothing() -> None:
    assert PARAGRAPH.render(text=Markup("<i>x</i>"), title=None) == '<p title=""><i>x</i>|</p>'


def test_a_value_that_is_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="cards"):
        render("overview.html", verdict=None)


@given(st.floats(allow_nan=False) | st.integers())
def test_numbers_have_all_their_digits(value: float) -> None:
    (node,) = parse(macro("number", value)).all("data")
    exact = node.attributes["value"] or ""
    assert type(value)(exact) == value
    if isinstance(value, float) and math.isfinite(value) and 1e-3 < abs(value) < 1e4:
        assert float(node.text) == pytest.approx(value, rel=1e-3)


def test_cells() -> None:
    assert macro("cell", None) == ""
    assert macro("cell", "<b>") == "&lt;b&gt;"
    assert macro("cell", True) == "True"
    hit, other = parse(macro("cell", [Mark("<", hit=True), Mark("b")])).all("span")
    assert (hit.text, hit.attributes["class"]) == ("<", "mark hit")
    assert (other.text, other.attributes["class"]) == ("b", "mark")


def test_tables() -> None:
    table = ReportTable("A & B", ["n", "<x>", "y"], [["a", 0.125, "t"], ["<b>", None, "u"]])
    page = parse(macro("table", table))
    assert tables(page) == {
        "A & B": [{"n": "a", "<x>": 0.125, "y": "t"}, {"n": "<b>", "<x>": "", "y": "u"}]
    }
    (region,) = page.all("div")
    assert region.attributes["tabindex"] == "0"
    heads = page.all("th")
    assert [head.attributes["scope"] for head in heads] == ["col"] * 3 + ["row"] * 2
    assert [head.attributes.get("class") for head in heads[:3]] == [None, "number", None]
    assert [cell.attributes.get("class") for cell in page.all("td")] == ["number"] + [None] * 3
