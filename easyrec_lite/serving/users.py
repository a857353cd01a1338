"""Users given as JSON: checks their columns, and fills in defaults."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from easyrec_lite.checks.columns import CellValue, InputField
from easyrec_lite.checks.list_text import NO_LISTS, ListText
from easyrec_lite.core.errors import DataError, Place, Problem, nearest
from easyrec_lite.core.json_input import parse_json
from easyrec_lite.serving.recommender import SEEN

EXAMPLE = """an object such as {"user_id": "7"}, or a list of them"""
FILL = "or fill the columns not given with the defaults of their fields by --fill_missing"


@dataclass(frozen=True)
class User:
    """One user.

    Attributes:
      columns: column → value, or the values of a list column; all columns that the model reads.
      seen: ids of items to leave out.
      notes: defaults that were filled in, and columns that are not read.
    """

    columns: Mapping[str, CellValue | list[CellValue]]
    seen: Sequence[str]
    notes: Sequence[str]


@dataclass(frozen=True)
class UserColumns:
    """The columns that a user may have.

    Attributes:
      read: the fields that the user tower reads.
      others: further fields of the config; a note names those that are given.
      lists: the names of the columns that the model takes as lists.
      text: how a list becomes the text of another column of several values.
      texts: the names of the columns of numbers that the model takes as such text.
      fill: whether a column that is not given has the default of its field.
    """

    read: Sequence[InputField]
    others: Collection[str] = ()
    lists: Collection[str] = ()
    text: ListText = NO_LISTS
    texts: Collection[str] = ()
    fill: bool = False

    def parse(self, text: str, flag: str = "--user") -> list[User]:
        """Returns the users in JSON `text`: an object, or a list of objects.

        A key is a column, or `seen_item_ids` with a list of ids. The value of a column of several
        values is a list, or its text. A null has the default of its field, like an empty cell of a
        file.

        Raises:
          DataError: broken JSON, unknown keys, missing columns, or values that their columns cannot
            take; all of them together.
        """
        users = _objects(text, flag)
        problems = [
            problem
            for number, user in enumerate(users)
            for problem in self._problems(user, Place(f"{flag}[{number}]" if number else flag))
        ]
        if problems:
            raise DataError(problems)
        return [self._user(user) for user in users]

    def _problems(self, user: Mapping[str, Any], place: Place) -> list[Problem]:
        known = [*(field.name for field in self.read), SEEN]
        unknown = [name for name in user if name not in known and name not in self.others]
        problems = [
            Problem(
                f"unknown user column {name!r}",
                place,
                expected="columns out of " + ", ".join(known),
                nearest=nearest(name, [*known, *self.others]),
            )
            for name in unknown
        ]
        missing = [field.name for field in self.read if field.name not in user]
        if missing and not self.fill:
            problems.append(
                Problem(
                    "the user lacks columns that the model reads: " + ", ".join(missing),
                    place,
                    expected="all of " + ", ".join(field.name for field in self.read),
                    found=", ".join(user) or "no columns",
                    remedy=f"give them; {FILL}",
                )
            )
        for field in self.read:
            try:
                self._value(field, user.get(field.name))
            except ValueError:
                text = json.dumps(user[field.name], ensure_ascii=False)
                problem = field.problem(text.encode(errors="backslashreplace"))
                problem = replace(problem, place=place, remedy="")
                problems.append(replace(problem, expected=self._expected(field)))
        if not _is_ids(user.get(SEEN, [])):
            expected = "a list of item ids"
            problems.append(Problem(f"{SEEN} is no list of ids", place, SEEN, expected))
        return problems

    def _expected(self, field: InputField) -> str:
        """Returns what a column's value must be, for messages."""
        if field.name in self.lists:
            return f"a list, each entry {field.kind.expected}"
        separators = self.text.separators.get(field.name)
        if field.name in self.texts:
            return f"a list, each entry {field.kind.expected}, or its text"
        if field.type == "STRING" and separators:
            return f"a text, or a list whose entries do not contain {' or '.join(separators)}"
        return f"one value, {field.kind.expected}"

    def _user(self, user: Mapping[str, Any]) -> User:
        columns = {field.name: self._value(field, user.get(field.name)) for field in self.read}
        missing = [field for field in self.read if user.get(field.name) is None]
        unread = [name for name in user if name not in columns and name != SEEN]
        notes = [f"{name} is not read by the user tower" for name in unread]
        if missing:
            defaults = ", ".join(f"{f.name}={_shown(columns[f.name])}" for f in missing)
            notes.append(f"columns not given, or null, have their default: {defaults}")
        return User(columns, [_text(item) for item in user.get(SEEN, [])], notes)

    def _value(self, field: InputField, value: Any) -> CellValue | list[CellValue]:
        """Returns a JSON value as a value of the column; ValueError if it is none."""
        if field.name in self.texts:
            return self._numbers(field, value)
        if field.name not in self.lists:
            if isinstance(value, list) and field.type == "STRING":
                value = self.text.join(field.name, _texts(value))
            return field.default if value is None else field.parse(_text(value).encode())
        if not isinstance(value, list | None):
            raise ValueError
        return [field.parse(_text(entry).encode()) for entry in value or []]

    def _numbers(self, field: InputField, value: Any) -> bytes:
        """Returns a list of numbers, or its text, as text; ValueError if it is none."""
        if value is None:
            return b""
        text = (
            self.text.join(field.name, _texts(value)) if isinstance(value, list) else _text(value)
        )
        pieces = [text]
        for separator in self.text.separators[field.name]:
            pieces = [part for piece in pieces for part in piece.split(separator)]
        for piece in filter(None, pieces):
            field.parse(piece.encode())
        return text.encode()


def _objects(text: str, flag: str) -> list[dict[str, Any]]:
    given = parse_json(text, flag, DataError, EXAMPLE)
    users = given if isinstance(given, list) else [given]
    if not users or not all(isinstance(user, dict) for user in users):
        raise DataError(Problem("no user", Place(flag), expected=EXAMPLE, found=text))
    return users


def _is_ids(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, int) or (isinstance(item, str) and _encodable(item)) for item in value
    )


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _text(value: Any) -> str:
    """Returns a JSON scalar as the text of a cell; ValueError for anything else."""
    if isinstance(value, list | dict) or value is None:
        raise ValueError
    return value if isinstance(value, str) else json.dumps(value)


def _texts(values: list[Any]) -> list[Any]:
    """Returns the entries of a JSON list, nested ones too, as texts."""
    return [_texts(value) if isinstance(value, list) else _text(value) for value in values]


def _shown(value: Any) -> str:
    return repr(value.decode(errors="replace")) if isinstance(value, bytes) else repr(value)
