"""Users as JSON: every key and value checked, all problems at once, defaults said."""

from __future__ import annotations

import json

import pytest

from easyrec_lite.checks.columns import InputField
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
)
WHOLE = {"user_id": 2**53 + 1, "city": "北京", "height": 1e-3, "member": True, "tags": ["a", "é"]}


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
