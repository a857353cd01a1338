"""Example users: what they took before, and what they are recommended now."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa

from easyrec_lite.config.data_paths import eval_path
from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.identity import text
from easyrec_lite.reporting.markup import Child, Html, code, details, note, table, tag
from easyrec_lite.reporting.section import Section
from easyrec_lite.reporting.users import TOP, Example, Examples, find_examples
from easyrec_lite.serving.item_vectors import ID_COLUMN
from easyrec_lite.serving.recommender import NAME as RECOMMENDER

HISTORY = 10
COLUMNS = 8
LETTERS = 80


def body(folder: ModelFolder) -> list[Child]:
    """Returns a part for each user."""
    if folder.export is None or not (folder.export / RECOMMENDER).is_dir():
        command = f"python -m easyrec_lite.export --config {folder.config_path}"
        needs = "an export with a recommender, which needs an item table"
        return [note(f"No examples without {needs}: ", code(command))]
    if not eval_path(folder.pipeline):
        return [note("No examples: the config names no evaluation data (eval_input_path).")]
    found = find_examples(folder.pipeline, folder.export)
    if not found.users:
        return [note("No examples: the evaluation data holds no row with a positive label.")]
    by = f"told apart by {found.names.user}" if found.names.user else "a row each"
    return [
        note(
            f"Users of the evaluation data, {by}; histories from {found.history}; the {TOP} best "
            f"of all items by the export of step {folder.manifest['step']}. Items of the history "
            "are not left out."
        ),
        *(_user(number, user, found) for number, user in enumerate(found.users, 1)),
    ]


def _user(number: int, user: Example, found: Examples) -> Html:
    title = f"User {user.id}" if user.id else f"User {number}"
    profile = [
        tag("div", tag("dt", name), tag("dd", _short(value)))
        for name, value in user.columns.items()
    ]
    return tag(
        "section",
        tag("h3", title),
        details("What the user tower reads", tag("dl", *profile, class_="facts")),
        _history(user, found),
        _recommended(user),
        class_="user",
    )


def _history(user: Example, found: Examples) -> Html:
    if not user.history:
        return note("No history found.")
    last = user.history[-HISTORY:]
    some = f"the last {len(last)} of {len(user.history)}" if len(user.history) > HISTORY else "all"
    items = found.described(last)
    head = _names(items)[: COLUMNS + 1]
    return table(f"History of user {user.id}: {some}, newest last", head, _cells(items, head))


def _recommended(user: Example) -> Html:
    items = user.items if user.items is not None else pa.table({ID_COLUMN: pa.array([], "string")})
    head = _names(items)[: COLUMNS + 3]
    rows = _cells(items, head)
    marks = [_marks(item, user.taken, user.history) for item in items[ID_COLUMN].to_pylist()]
    missed = [
        item for item in dict.fromkeys(user.taken) if item not in items[ID_COLUMN].to_pylist()
    ]
    made = table(
        f"Recommended to user {user.id}",
        [*head, ""],
        [[*row, mark] for row, mark in zip(rows, marks, strict=True)],
    )
    if not missed:
        return made
    listed = ", ".join(missed[:HISTORY]) + (", …" if len(missed) > HISTORY else "")
    return tag("div", made, note(f"Taken in the evaluation data, but not in this list: {listed}"))


def _marks(item: str, taken: Collection[str], history: Collection[str]) -> Html:
    marks = [
        tag("span", "taken", class_="mark hit") if item in taken else None,
        tag("span", "in history", class_="mark") if item in history else None,
    ]
    return tag("span", *marks)


def _names(items: pa.Table) -> list[str]:
    """The columns, but for those that repeat the ids."""
    ids = items[ID_COLUMN].to_pylist()
    repeats = [name for name in items.column_names if items[name].to_pylist() == ids]
    return [name for name in items.column_names if name == ID_COLUMN or name not in repeats]


def _cells(items: pa.Table, names: list[str]) -> list[list[object]]:
    columns = [items[name].to_pylist() for name in names]
    return [
        [
            value if name in ("rank", "score") else _short(value)
            for name, value in zip(names, row, strict=True)
        ]
        for row in zip(*columns, strict=True)
    ]


def _short(value: object) -> str | None:
    """A value as text of at most `LETTERS` letters; None as None."""
    if value is None:
        return None
    whole = ", ".join(map(text, value)) if isinstance(value, list) else text(value)
    return whole if len(whole) <= LETTERS else whole[: LETTERS - 1] + "…"


SECTION = Section("examples", "Example users", body)
