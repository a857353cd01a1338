"""`PATH=FORM(…)`: what is written is what is searched, and what is wrong is told with its place."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from easyrec_lite.core.errors import ConfigError, Place
from easyrec_lite.tuning.parse import distinct, parse, parse_file, parse_flags
from easyrec_lite.tuning.space import Choice, Real, Whole, short_names

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | FINITE | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
LISTS = st.lists(JSON, max_size=3) | st.dictionaries(st.text(max_size=3), JSON, max_size=3)
WORDS = st.from_regex(r"[A-Za-z0-9_.+\-][A-Za-z0-9_.+\- ]{0,6}[A-Za-z0-9]", fullmatch=True)
# (as it is written, the value of the edit)
VALUES = st.one_of(
    WORDS.map(lambda word: (word, None if word == "null" else word)),
    st.text(max_size=8).map(lambda text: (json.dumps(text), text)),
    st.text(max_size=8).map(lambda text: (json.dumps(text, ensure_ascii=False), text)),
    st.text(max_size=8).filter(lambda t: "'" not in t).map(lambda text: (f"'{text}'", text)),
    LISTS.map(lambda value: (json.dumps(value, ensure_ascii=False), value)),
)
SPACES = st.sampled_from(["", " ", "  "])


@QUICK
@given(st.lists(VALUES, min_size=2, max_size=5, unique_by=lambda v: json.dumps(v[1])), SPACES)
def test_a_choice_has_the_values_that_are_written(values: list[Any], space: str) -> None:
    text = f"{space},{space}".join(written for written, _ in values)
    found = parse(f"a.b{space}={space}choice{space}({space}{text}{space})")
    assert isinstance(found, Choice)
    assert found.path == "a.b"
    assert found.extremes() == [value for _, value in values]
    assert [found.edit(label) for label in found.values] == found.extremes()
    assert parse(f"a.b={found}") == found


@QUICK
@given(FINITE, FINITE)
def test_a_uniform_range_has_its_ends(one: float, two: float) -> None:
    low, high = sorted((one, two))
    if low == high:
        with pytest.raises(ConfigError):
            parse(f"a=uniform({low!r},{high!r})")
        return
    found = parse(f"a=uniform({low!r},{high!r})")
    assert found == Real("a", Place(), low, high)
    assert parse(f"a={found}") == found
    assert all(low <= value <= high for value in found.extremes())


@QUICK
@given(st.floats(1e-300, 1e300), st.floats(1.001, 1e5))
def test_a_log_range_has_its_ends_and_a_value_between(low: float, ratio: float) -> None:
    high = low * ratio
    found = parse(f"a=log({low!r}, {high!r})")
    assert isinstance(found, Real)
    first, last, between = found.extremes()
    assert (first, last, found.log) == (low, high, True)
    assert isinstance(between, float)
    assert math.log(between / low) / math.log(ratio) == pytest.approx(0.382, abs=1e-3)


@QUICK
@given(st.integers(-(10**9), 10**9), st.integers(1, 10**6), st.integers(1, 1000))
def test_a_whole_range_has_its_numbers(low: int, count: int, step: int) -> None:
    high = low + count * step
    found = parse(f"a=int({low}, {high}, step={step})")
    assert found == Whole("a", Place(), low, high, step)
    assert parse(f"a={found}") == found
    numbers = list(range(low, high + 1, step)) if count < 20 else []
    assert found.extremes() == (numbers if 0 < len(numbers) <= 8 else [low, high])
    if step > 1:
        with pytest.raises(ConfigError):
            parse(f"a=int({low}, {high + 1}, step={step})")


def test_paths_keep_their_selectors() -> None:
    path = 'feature_config.features[input_names[0]="a=b,c"].embedding_dim'
    found = parse(f"{path}=int(1,1024,log)")
    assert found == Whole(path, Place(), 1, 1024, 1, True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a", "PATH="),
        ("a=5", "PATH="),
        ("=log(1,2)", "PATH="),
        ("a=log(1,2", "PATH="),
        ("a=lgo(1,2)", "nearest:  log"),
        ("a=log(0,1)", "logarithm"),
        ("a=log(-1,1)", "logarithm"),
        ("a=log(1)", "1 values"),
        ("a=log()", "0 values"),
        ("a=log(1,2,3)", "3 values"),
        ("a=uniform(2,1)", "not below"),
        ("a=uniform(1,nan)", "'nan'"),
        ("a=uniform(1,inf)", "'inf'"),
        ("a=uniform(1,1e999)", "'1e999'"),
        ("a=uniform(x,1)", "'x'"),
        ("a=uniform(__import__('os').getpid(),1)", "__import__"),
        ("a=int(1.5,3)", "'1.5'"),
        ("a=int(1,10,step=4)", "int(1, 9, …)"),
        ("a=int(1,10,step=0)", "step=0"),
        ("a=int(1,10,logg)", "logg"),
        ("a=int(0,10,log)", "logarithm"),
        ("a=int(2,10,step=2,log)", "exclude"),
        ("a=choice()", "fewer than two"),
        ("a=choice(x)", "fewer than two"),
        ("a=choice(x,,y)", "value 2 is empty"),
        ('a=choice(x,"x")', "twice"),
        ("a=choice([1,2],[1, 2])", "twice"),
        ("a=choice([1,2,3)", "`[`"),
        ("a=choice(1],2)", "`]`"),
        ("a=choice([1,(2])", "closes nothing"),
        ('a=choice("x,y)', "not closed"),
        ("a=choice([x],[y])", "JSON"),
        ('a=choice("x"y,z)', "no quoted text"),
        ("a=choice('x'y,z)", "no quoted text"),
    ],
)
def test_what_is_wrong_is_told(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_flags([text])
    (problem,) = caught.value.problems
    assert problem.place == Place("--search")
    assert told in str(problem)


def test_all_flags_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_flags(["a=log(2,1)", "b=log(1,2)", "c=5"])
    assert [problem.path for problem in caught.value.problems] == ["a", "c"]


def test_a_file_has_a_line_each_with_comments(tmp_path: Path) -> None:
    file = tmp_path / "räume.txt"
    file.write_text(
        "# what to search\n\n"
        "a.b = log(1e-4, 1e-2)  # rate\r\n"
        '  c[name="#1"].d = choice("#", x)# more\n'
        "e=choice('价格', [\"#\"])\n",
        "utf-8",
    )
    first, second, third = parse_file(str(file))
    assert (first.path, second.path, third.path) == ("a.b", 'c[name="#1"].d', "e")
    assert second.extremes() == ["#", "x"]
    assert third.extremes() == ["价格", ["#"]]
    assert (second.place.line, second.place.column) == (4, 3)


def test_wrong_lines_of_a_file_are_told_with_their_places(tmp_path: Path) -> None:
    file = tmp_path / "space.txt"
    file.write_text("a = log(2, 1)\n\n  b\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        parse_file(str(file))
    places = [(each.place.line, each.place.column) for each in caught.value.problems]
    assert places == [(1, 1), (3, 3)]
    with pytest.raises(ConfigError):
        parse_file(str(tmp_path / "none.txt"))


def test_a_path_stands_once_and_there_is_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        distinct(parse_flags(["a=log(1,2)", "b=log(1,2)", "a=int(1,2)"]))
    (problem,) = caught.value.problems
    assert problem.path == "a"
    with pytest.raises(ConfigError):
        distinct([])


def test_short_names_differ() -> None:
    paths = ["a.rate", "b.a.rate", "c[x.y=1].size", "size", "a"]
    short = short_names(paths)
    assert len(set(short.values())) == len(paths)
    assert all(path.endswith(name) for path, name in short.items())
    assert short["c[x.y=1].size"] == "c[x.y=1].size"
