"""Users as JSON: every key and value checked, all problems at once, defaults said."""

from __future__ import annotations

import dataclasses
import json

import pytest

from easyrec_lite.checks.columns import InputField
from easyrec_lite.checks.list_text import ListText
from easyrec_lite.core.errors import DataError
from easyrec_lite.serving.users import UserColumns

COLUMNS = UserColumns(
    read=[
        InputField("user_id", "INT64", 0),
        InputField("city", "STRING", b"Wien"),
        InputField("height", "FLOAT", 1.5),
        InputField("member", "BOOL", False),
        InputField("tags", "STRING", b""),
    ],
    others=["brand"],
    lists=["tags"],
    fill=True,
)
WHOLE = {"user_id": 2**53 + 1, "city": "北京", "height": 1e-3, "member": True, "tags": ["a", "é"]}
STRICT = dataclasses.replace(COLUMNS, fill=False)


def problems(user: object) -> list:
    with pytest.raises(DataError) as error:
        COLUMNS.parse(json.dumps(user))
    return list(error.value.problems)


def test_a_whole_user() -> None:
    (user,) = COLUMNS.parse(json.dumps(WHOLE))
    assert user.columns == {
        "user_id": 2**53 + 1,
        "city": "北京".encode(),
        "height": 1e-3,
        "member": True,
        "tags": [b"a", "é".encode()],
    }
    assert not user.notes
    assert not user.seen


def test_numbers_may_be_text_and_text_numbers() -> None:
    (user,) = COLUMNS.parse(json.dumps({**WHOLE, "user_id": "17", "city": 5, "tags": [7]}))
    assert user.columns["user_id"] == 17
    assert user.columns["city"] == b"5"
    assert user.columns["tags"] == [b"7"]


def test_what_is_missing_has_its_default_and_is_named() -> None:
    user, other = COLUMNS.parse('[{"user_id": null, "brand": "b"}, {"seen_item_ids": [7, "é"]}]')
    expected = {"user_id": 0, "city": b"Wien", "height": 1.5, "member": False, "tags": []}
    assert user.columns == other.columns == expected
    assert other.seen == ["7", "é"]
    assert user.notes[0] == "brand is not read by the user tower"
    for name in expected:
        assert name in user.notes[1]
        assert name in other.notes[0]


def test_columns_that_are_not_given_are_one_problem_of_each_user() -> None:
    users = [WHOLE, {"user_id": 1, "tags": None}, {"city": "Wien"}]
    with pytest.raises(DataError) as error:
        STRICT.parse(json.dumps(users))
    first, second = error.value.problems
    assert (first.place.file, second.place.file) == ("--user[1]", "--user[2]")
    assert "city, height, member" in first.message
    assert "user_id, height, member, tags" in second.message
    assert "--fill_missing" in first.remedy


def test_a_null_is_an_empty_cell() -> None:
    (user,) = STRICT.parse(json.dumps({**WHOLE, "city": None, "tags": None}))
    assert user.columns["city"] == b"Wien"
    assert user.columns["tags"] == []
    assert "city" in user.notes[0]


LISTS = dataclasses.replace(
    COLUMNS,
    read=[InputField(name, "STRING", b"") for name in ("history", "steps", "city")],
    lists=[],
    text=ListText({"history": ("|",), "steps": (";", ",")}),
)


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("history", ["50", "181"], "50|181"),
        ("history", [50, 181], "50|181"),
        ("history", ["é,b"], "é,b"),
        ("history", [], ""),
        ("history", "50|181", "50|181"),
        ("steps", [["a", "b"], ["c"]], "a,b;c"),
        ("steps", ["a", "b"], "a;b"),
    ],
)
def test_a_list_is_joined_as_the_features_split_it(column: str, value: object, text: str) -> None:
    (user,) = LISTS.parse(json.dumps({column: value}))
    assert user.columns[column] == text.encode()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("history", ["a|b"]),
        ("history", [["a"]]),
        ("history", [None]),
        ("history", [{}]),
        ("steps", [["a;b"]]),
        ("steps", [["a,b"]]),
        ("city", ["Wien"]),
    ],
)
def test_lists_that_would_be_read_otherwise_are_refused(column: str, value: object) -> None:
    with pytest.raises(DataError) as error:
        LISTS.parse(json.dumps({column: value}))
    (problem,) = error.value.problems
    assert problem.path == column
    assert ("list" in problem.expected) == (column != "city")


def test_unknown_keys_and_bad_values_come_together() -> None:
    found = problems(
        [WHOLE, {"usr_id": 1, "user_id": 1.5, "tags": "a", "member": "perhaps", "city": {}}]
    )
    assert {problem.path for problem in found} == {"", "user_id", "tags", "member", "city"}
    assert {problem.place.file for problem in found} == {"--user[1]"}
    (unknown,) = [problem for problem in found if not problem.path]
    assert unknown.nearest == "user_id"
    assert "usr_id" in unknown.message


@pytest.mark.parametrize("seen", ["é", [["é"]], {"é": 1}, None])
def test_seen_items_are_a_list_of_ids(seen: object) -> None:
    (problem,) = problems({**WHOLE, "seen_item_ids": seen})
    assert problem.path == "seen_item_ids"


@pytest.mark.parametrize("user", [7, "x", [], [7], None])
def test_no_users(user: object) -> None:
    (problem,) = problems(user)
    assert "list" in problem.expected


def test_broken_json_says_where() -> None:
    with pytest.raises(DataError) as error:
        COLUMNS.parse('{"user_id": 1,\n "city": }')
    (problem,) = error.value.problems
    assert (problem.place.line, problem.place.column) == (2, 10)
