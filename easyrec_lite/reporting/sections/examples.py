"""Example users: their histories, and what they are recommended."""

from __future__ import annotations

import shlex
from typing import Any

import pyarrow as pa

from easyrec_lite.config.data_paths import eval_path
from easyrec_lite.core import filesystem as fs
from easyrec_lite.reporting.folder import ModelFolder
from easyrec_lite.reporting.id_columns import text
from easyrec_lite.reporting.rendering import Cell, Mark, ReportTable
from easyrec_lite.reporting.section import Section
from easyrec_lite.reporting.users import OF_DATA, TOP, Examples, ExampleUser, find_examples
from easyrec_lite.serving.item_vectors import ID_COLUMN
from easyrec_lite.serving.recommender import NAME as RECOMMENDER

HISTORY = 10
COLUMNS = 8
LETTERS = 80


def content(folder: ModelFolder) -> dict[str, Any]:
    """Returns a part for each user; or the reason why there is none, and what to type."""
    if folder.export is None or not fs.is_dir(folder.export / RECOMMENDER):
        return {
            "users": None,
            "reason": "No examples without an export with a recommender, which needs an item table",
            "command": "python -m easyrec_lite.export --config "
            + shlex.quote(str(folder.config_path)),
        }
    if not eval_path(folder.pipeline):
        return _none("No examples: the config names no evaluation data (eval_input_path).")
    examples = find_examples(folder.pipeline, folder.export)
    if not examples.users:
        return _none("No examples: the evaluation data holds no row with a positive label.")
    column = examples.ids.user
    return {
        "identified_by": column,
        "histories": examples.history,
        "top": TOP,
        "step": folder.manifest["step"],
        "users": [_user(number, user, examples) for number, user in enumerate(examples.users, 1)],
    }


def _none(reason: str) -> dict[str, Any]:
    return {"users": None, "reason": reason, "command": None}


def _user(number: int, user: ExampleUser, examples: Examples) -> dict[str, Any]:
    recommended = user.items[ID_COLUMN].to_pylist()
    missed = [item for item in dict.fromkeys(user.taken) if item not in recommended]
    return {
        "title": f"User {user.id}" if user.id else f"User {number}",
        "columns": [(name, _short(value)) for name, value in user.columns.items()],
        "history": _history(user, examples) if user.history else None,
        "recommended": _recommended(user),
        "missed": ", ".join(missed[:HISTORY]) + (", …" if len(missed) > HISTORY else ""),
    }


def _history(user: ExampleUser, examples: Examples) -> ReportTable:
    unknown = examples.order == OF_DATA
    shown = user.history[:HISTORY] if unknown else user.history[-HISTORY:]
    end, count = "first" if unknown else "last", len(user.history)
    some = f"the {end} {len(shown)} of {count}" if count > HISTORY else "all"
    items = examples.described(shown)
    head = _names(items)[: COLUMNS + 1]
    caption = f"History of user {user.id}: {some}, {examples.order}"
    return ReportTable(caption, head, _cells(items, head))


def _recommended(user: ExampleUser) -> ReportTable:
    head = _names(user.items)[: COLUMNS + 3]
    marks = [_marks(item, user) for item in user.items[ID_COLUMN].to_pylist()]
    rows = [[*row, mark] for row, mark in zip(_cells(user.items, head), marks, strict=True)]
    return ReportTable(f"Recommended to user {user.id}", [*head, ""], rows)


def _marks(item: str, user: ExampleUser) -> list[Mark]:
    taken = [Mark("taken", hit=True)] if item in user.taken else []
    return taken + ([Mark("in history")] if item in user.history else [])


def _names(items: pa.ReportTable) -> list[str]:
    """Returns the names of the columns, without those that repeat the ids."""
    ids = items[ID_COLUMN].to_pylist()
    repeats = [name for name in items.column_names if items[name].to_pylist() == ids]
    return [name for name in items.column_names if name == ID_COLUMN or name not in repeats]


def _cells(items: pa.ReportTable, names: list[str]) -> list[list[Cell]]:
    columns = [items[name].to_pylist() for name in names]
    return [
        [
            value if name in ("rank", "score") else _short(value)
            for name, value in zip(names, row, strict=True)
        ]
        for row in zip(*columns, strict=True)
    ]


def _short(value: object) -> str | None:
    """Returns a value as text of at most `LETTERS` letters; None as None."""
    if value is None:
        return None
    whole = ", ".join(map(text, value)) if isinstance(value, list) else text(value)
    return whole if len(whole) <= LETTERS else whole[: LETTERS - 1] + "…"


SECTION = Section("examples", "Example users", content)
