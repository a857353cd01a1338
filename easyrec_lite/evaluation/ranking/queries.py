"""The queries of a full ranking: users of the evaluation data, their vectors and held-out items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import tensorflow as tf

from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.data.readers.base import open_reader
from easyrec_lite.data.readers.iterate import column_batches
from easyrec_lite.evaluation.ranking.ids import IdLookup, RankingColumns, texts
from easyrec_lite.evaluation.ranking.sets import ItemSets
from easyrec_lite.models.assembly import Parts
from easyrec_lite.models.retrieval.encoders import UserEncoder


@dataclass(frozen=True)
class Queries:
    """Q queries, in the order of their first rows.

    Attributes:
      users: text [Q], user ids; '' for a row without one, which is a query of its own.
      vectors: float32 [Q, K, D], as served, of the user's first row.
      held_out: the numbers of each query's held-out items.
      columns: column → object [Q], its value in the user's first row.
      rows: the number of rows that were read.
    """

    users: list[str]
    vectors: np.ndarray
    held_out: ItemSets
    columns: dict[str, np.ndarray]
    rows: int


class QueryReader:
    """Reads the queries of evaluation files.

    Args:
      parts: the model; each `read` uses its current weights.
      path: files, as `eval_input_path`.
      fields: the columns of ids.
      columns: further columns to read.

    Raises:
      DataError: no such file.
    """

    def __init__(self, parts: Parts, path: str, fields: RankingColumns, columns: Sequence[str]):
        self._fields, self._kept, self._path = fields, list(columns), path
        encoder = UserEncoder(parts)
        config = parts.pipeline.config
        wanted = dict.fromkeys([*encoder.inputs, *fields.columns, *columns])
        self._reader = open_reader(parts.pipeline, path, training=False, columns=list(wanted))
        self._batch_size = config.data_config.eval_batch_size
        self._limit = config.eval_config.num_examples
        self._by_row = config.eval_config.full_ranking.by_row

        specs, _ = self._reader.batches(self._batch_size).element_spec
        self._encode = encoder.compiled(specs)

    def read(self, numbers: IdLookup) -> Queries:
        """Returns the queries.

        Args:
          numbers: the items' numbers.

        Raises:
          DataError: a row cannot be read, or nothing is held out.
        """
        gathered = _QueryRows(self._fields, self._kept, self._by_row)
        for columns in column_batches(self._reader, self._batch_size, self._limit):
            gathered.add(columns, self._encode(columns))
        if not gathered.items:
            raise DataError(
                Problem(
                    "nothing is held out: no row to rank an item of",
                    Place(self._path),
                    expected=f"rows with {self._fields.label} above 0"
                    if self._fields.label
                    else "",
                )
            )
        return gathered.queries(numbers)


class _QueryRows:
    """Gathers the rows of batches into queries."""

    def __init__(self, fields: RankingColumns, kept: Sequence[str], by_row: bool):
        self._fields, self._by_row = fields, by_row
        self._numbers: dict[str, int] = {}
        self._users: list[str] = []
        self._vectors: list[np.ndarray] = []
        self._columns: dict[str, list[np.ndarray]] = {name: [] for name in kept}
        self._queries: list[np.ndarray] = []
        self.items: list[str] = []
        self._rows = 0

    def add(self, columns: dict[str, tf.Tensor], vectors: np.ndarray) -> None:
        """Adds B rows and their vectors [B, K, D]."""
        queries, new = self._number(columns, len(vectors))
        self._vectors.append(vectors[new])
        for name, parts in self._columns.items():
            parts.append(texts(name, columns[name])[new])
        positive = self._fields.positive(columns, len(vectors))
        self._queries.append(queries[positive])
        self.items += self._fields.items(columns)[positive].tolist()
        self._rows += len(vectors)

    def _number(self, columns: dict[str, tf.Tensor], rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the query of each row, int64 [B], and the rows that begin a query."""
        if self._fields.user:
            users = texts(self._fields.user, columns[self._fields.user]).tolist()
        else:
            users = [""] * rows
        queries = np.empty(rows, np.int64)
        new = []
        for row, user in enumerate(users):
            queries[row] = self._numbers.get(user, len(self._users))
            if queries[row] == len(self._users):
                self._users.append(user)
                new.append(row)
                if user and not self._by_row:
                    self._numbers[user] = queries[row]
        return queries, np.array(new, np.int64)

    def queries(self, numbers: IdLookup) -> Queries:
        """Returns all queries; an item that occurs twice for a user is held out once."""
        queries, items = np.concatenate(self._queries), np.array(self.items, object)
        pairs = pd.DataFrame({"query": queries, "item": items}).drop_duplicates()
        held_out = ItemSets.of_pairs(
            pairs["query"].to_numpy(), numbers(pairs["item"].to_numpy()), len(self._users)
        )
        columns = {name: np.concatenate(parts) for name, parts in self._columns.items()}
        vectors = np.concatenate(self._vectors)
        return Queries(self._users, vectors, held_out, columns, self._rows)
