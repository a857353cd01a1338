"""Some users of the evaluation data, with what they took and what they are recommended."""

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
from easyrec_lite.data.readers.iterate import column_batches
from easyrec_lite.reporting.id_columns import IdColumns, ListColumn, id_columns, text
from easyrec_lite.serving.item_vectors import ID_COLUMN, read_columns
from easyrec_lite.serving.list_inputs import ListInputs
from easyrec_lite.serving.manifest import read_manifest
from easyrec_lite.serving.recommendations import RecommendationOptions, Recommendations
from easyrec_lite.serving.users import User

USERS = 5
TOP = 10
# How many users to choose from, and how many rows of each data set to read.
CANDIDATES = 1000
ROWS = 100_000
NEWEST_FIRST = "NEWEST_FIRST"
# Orders of histories, in words.
NEWEST_LAST = "newest last"
OF_ROWS = "in the order of the rows"
OF_DATA = "in the order of the data, as the feature has no step_order"
BATCH = 4096

Row = Mapping[str, Any]


def _no_items() -> pa.Table:
    return pa.table({ID_COLUMN: pa.array([], pa.string())})


@dataclass
class ExampleUser:
    """A user of the evaluation data.

    Attributes:
      id: the user's id, '' where the config names no column for it.
      columns: what the user tower reads, of the user's first row.
      taken: ids of the items that the user took in the evaluation data, in its order.
      history: ids of the items before that, oldest first where the order is known.
      items: the recommended items, a row each, the best first.
    """

    id: str
    columns: Row
    taken: list[str] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    items: pa.Table = field(default_factory=_no_items)


@dataclass(frozen=True)
class Examples:
    """Example users, and where their data comes from.

    Attributes:
      users: the users.
      ids: the columns that hold the ids of users and items.
      history: where their histories come from, in words.
      catalogue: the columns of all items, `item_id` first.
      order: `NEWEST_LAST` of histories, or the order that is known of them, in words.
    """

    users: list[ExampleUser]
    ids: IdColumns
    history: str
    catalogue: pa.Table
    order: str

    def described(self, ids: list[str]) -> pa.Table:
        """Returns the columns of the items with these ids, in this order; null for unknown ids."""
        known = self.catalogue[ID_COLUMN].combine_chunks()
        wanted = pa.array(ids, pa.string())
        rows = self.catalogue.take(pc.index_in(wanted, known))
        return rows.set_column(0, ID_COLUMN, wanted)


def find_examples(pipeline: Pipeline, export: Path) -> Examples:
    """Returns some users of the evaluation data, and what the model of `export` recommends to them.

    A user's history is the list column that holds ids of items, else what the user took in the
    first rows of the training data. Users with a history come first.

    Raises:
      ConfigError: the export has no items, or reads columns that the config does not name.
      DataError: the data or the export cannot be read.
    """
    recommended = Recommendations(export, RecommendationOptions(TOP))
    ids = id_columns(pipeline, read_manifest(export))
    catalogue = read_columns(export)
    users = _candidates(pipeline, ids, recommended.columns)
    column = _history_column(users, ids, recommended.columns, catalogue)
    if column is not None:
        for user in users:
            user.history = column.ids(user.columns[column.name])
            if column.order == NEWEST_FIRST:
                user.history.reverse()
        source, order = f"column {column.name}", NEWEST_LAST if column.order else OF_DATA
    else:
        order = OF_ROWS
        source = f"the first {ROWS:,} rows of the training data"
        _add_rows(pipeline, ids, {user.id: user for user in users})
    users = sorted(users, key=lambda user: not user.history)[:USERS]
    lists = ListInputs(pipeline)
    tables = recommended.of_users(User(_served(lists, user.columns), (), ()) for user in users)
    for user, table in zip(users, tables, strict=True):
        user.items = table.drop_columns(["row"])
    return Examples(users, ids, source, catalogue, order)


def _candidates(pipeline: Pipeline, ids: IdColumns, columns: Collection[str]) -> list[ExampleUser]:
    """Returns the first users of the evaluation data who took an item there."""
    users: dict[str, ExampleUser] = {}
    wanted = {*columns, *filter(None, (ids.user, ids.item, ids.label))}
    for row in _rows(pipeline, eval_path(pipeline), wanted):
        if not _took(row, ids):
            continue
        key = text(row[ids.user]) if ids.user else str(len(users))
        if key not in users and len(users) == CANDIDATES:
            break
        user = users.setdefault(
            key, ExampleUser(key if ids.user else "", {name: row[name] for name in columns})
        )
        if ids.item:
            user.taken.append(text(row[ids.item]))
    return list(users.values())


def _served(lists: ListInputs, columns: Row) -> Row:
    """Returns columns as the SavedModels take them: some of them, and other lists, as text."""
    return {name: _input(lists, name, value) for name, value in columns.items()}


def _input(lists: ListInputs, name: str, value: Any) -> Any:
    if isinstance(value, list):
        if name in lists.served.lists:
            return value
        return lists.joined(name, tf.ragged.constant([value], ragged_rank=1))[0].as_py()
    return str(value) if name in lists.served.texts and not isinstance(value, bytes) else value


def _history_column(
    users: list[ExampleUser], ids: IdColumns, columns: Collection[str], catalogue: pa.Table
) -> ListColumn | None:
    """Returns the list column with the largest share of item ids, if at least half are."""
    known = set(catalogue[ID_COLUMN].to_pylist())
    shares = {}
    for column in ids.lists:
        if column.name in columns:
            pieces = [piece for user in users for piece in column.ids(user.columns[column.name])]
            shares[column] = sum(piece in known for piece in pieces) / max(len(pieces), 1)
    best = max(shares, key=lambda column: shares[column], default=None)
    return best if best is not None and shares[best] >= 0.5 else None


def _add_rows(pipeline: Pipeline, ids: IdColumns, users: Mapping[str, ExampleUser]) -> None:
    """Adds to the histories what the users took in the first rows of the training data."""
    if not ids.user or not ids.item:
        return
    wanted = set(filter(None, (ids.user, ids.item, ids.label)))
    for row in _rows(pipeline, train_path(pipeline), wanted):
        user = users.get(text(row[ids.user]))
        if user is not None and _took(row, ids):
            user.history.append(text(row[ids.item]))


def _took(row: Row, ids: IdColumns) -> bool:
    return not ids.label or row[ids.label] > 0


def _rows(pipeline: Pipeline, path: str, columns: Collection[str]) -> Iterator[Row]:
    """Yields the first `ROWS` rows of the files at `path`."""
    reader = open_reader(pipeline, path, training=False, columns=sorted(columns))
    for raw in column_batches(reader, BATCH, ROWS):
        cells = {name: _cells(column) for name, column in raw.items()}
        count = len(next(iter(cells.values())))
        yield from ({name: cells[name][i] for name in cells} for i in range(count))


def _cells(column: Any) -> list[Any]:
    if isinstance(column, tf.RaggedTensor):
        return column.to_list()
    return column.numpy().tolist()
