"""A few users of the evaluation data: who they are, what they took, what they are recommended."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from easyrec_lite.config import Pipeline
from easyrec_lite.config.data_paths import eval_path, train_path
from easyrec_lite.data.readers.base import open_reader
from easyrec_lite.reporting.identity import Identity, ListColumn, identity, text
from easyrec_lite.serving.item_vectors import ID_COLUMN, read_columns
from easyrec_lite.serving.manifest import read_manifest
from easyrec_lite.serving.recommendations import Recommendations, Wish
from easyrec_lite.serving.users import User
from easyrec_lite.training.input import guarded

USERS = 5
TOP = 10
# Users to choose from, and rows to look through, of each file.
CANDIDATES = 1000
ROWS = 100_000
BATCH = 4096

Row = Mapping[str, Any]


@dataclass
class Example:
    """A user.

    Attributes:
      id: the user's id, '' where the config does not tell.
      columns: what the user tower reads, of the user's first row.
      taken: ids of the items that the user took in the evaluation data, in its order.
      history: ids of the items before that, oldest first.
      items: recommended: a row an item, the best first.
    """

    id: str
    columns: Row
    taken: list[str] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    items: pa.Table | None = None


@dataclass(frozen=True)
class Examples:
    """Users, and how they were found.

    Attributes:
      users: the users.
      names: the columns that tell users and items.
      history: where their histories come from.
      catalogue: the columns of all items, `item_id` first.
    """

    users: list[Example]
    names: Identity
    history: str
    catalogue: pa.Table

    def described(self, ids: list[str]) -> pa.Table:
        """Returns the columns of items by id, in that order; ids that are no items have nulls."""
        known = self.catalogue[ID_COLUMN].combine_chunks()
        wanted = pa.array(ids, pa.string())
        found = self.catalogue.take(pc.index_in(wanted, known))
        return found.set_column(0, ID_COLUMN, wanted)


def find_examples(pipeline: Pipeline, export: Path) -> Examples:
    """Returns some users of the evaluation data with histories, as `export` recommends to them.

    A history is the user's list column that holds ids of items, else what the user took in the
    first rows of the training data. Users with a history come before others.

    Raises:
      ConfigError: the export has no items, or reads columns that the config does not have.
      DataError: the data or the export cannot be read.
    """
    recommended = Recommendations(export, Wish(TOP))
    names = identity(pipeline, read_manifest(export))
    catalogue = read_columns(export)
    users = _candidates(pipeline, names, recommended.columns)
    column = _history_column(users, names, recommended.columns, catalogue)
    if column is not None:
        for user in users:
            user.history = column.ids(user.columns[column.name])
        source = f"column {column.name}"
    else:
        source = f"rows of the training data, the first {ROWS:,}"
        _add_rows(pipeline, names, {user.id: user for user in users})
    users = sorted(users, key=lambda user: not user.history)[:USERS]
    tables = recommended.of_users(User(user.columns, (), ()) for user in users)
    for user, table in zip(users, tables, strict=True):
        user.items = table.drop_columns(["row"])
    return Examples(users, names, source, catalogue)


def _candidates(pipeline: Pipeline, names: Identity, columns: Collection[str]) -> list[Example]:
    """The first users of the evaluation data who took an item there."""
    found: dict[str, Example] = {}
    wanted = {*columns, *filter(None, (names.user, names.item, names.label))}
    for row in _rows(pipeline, eval_path(pipeline), wanted):
        if not _took(row, names):
            continue
        key = text(row[names.user]) if names.user else str(len(found))
        if key not in found and len(found) == CANDIDATES:
            break
        user = found.setdefault(
            key, Example(key if names.user else "", {name: row[name] for name in columns})
        )
        if names.item:
            user.taken.append(text(row[names.item]))
    return list(found.values())


def _history_column(
    users: list[Example], names: Identity, columns: Collection[str], catalogue: pa.Table
) -> ListColumn | None:
    """The list column of which most ids are items', if that is half of them."""
    known = set(catalogue[ID_COLUMN].to_pylist())
    shares = {}
    for column in names.lists:
        if column.name in columns:
            ids = [piece for user in users for piece in column.ids(user.columns[column.name])]
            shares[column] = sum(piece in known for piece in ids) / max(len(ids), 1)
    best = max(shares, key=lambda column: shares[column], default=None)
    return best if best is not None and shares[best] >= 0.5 else None


def _add_rows(pipeline: Pipeline, names: Identity, users: Mapping[str, Example]) -> None:
    if not names.user or not names.item:
        return
    wanted = set(filter(None, (names.user, names.item, names.label)))
    for row in _rows(pipeline, train_path(pipeline), wanted):
        user = users.get(text(row[names.user]))
        if user is not None and _took(row, names):
            user.history.append(text(row[names.item]))


def _took(row: Row, names: Identity) -> bool:
    return not names.label or row[names.label] > 0


def _rows(pipeline: Pipeline, path: str, columns: Collection[str]) -> Iterator[Row]:
    """Yields the first `ROWS` rows of some files."""
    reader = open_reader(pipeline, path, training=False, columns=sorted(columns))
    dataset = reader.batches(BATCH).take(-(-ROWS // BATCH))
    for raw, _ in guarded(reader, dataset, lambda element: element[1]):
        cells = {name: _cells(column) for name, column in raw.items()}
        count = len(next(iter(cells.values())))
        yield from ({name: cells[name][i] for name in cells} for i in range(count))


def _cells(column: Any) -> list[Any]:
    if isinstance(column, tf.RaggedTensor):
        return column.to_list()
    return column.numpy().tolist()
