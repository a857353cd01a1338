"""The outcome of each query of a full ranking, in a file: two runs can be compared query by query.

`ranking_queries.parquet` has a row for each held-out item: `user`, the number of the `query`,
`item` (null where the item table lacks it), and its place from 1 in the list of each seen rule,
such as `excluded` (null beyond the largest K). All metrics of queries follow from the places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError
from easyrec_lite.core.files import atomic_file, damaged
from easyrec_lite.evaluation.ranking.breakdown import item_labels
from easyrec_lite.evaluation.ranking.metrics import NOWHERE
from easyrec_lite.evaluation.ranking.ranking import Ranking

FILE = "ranking_queries.parquet"
STEP = b"step"


@dataclass(frozen=True)
class QueryOutcomes:
    """The places of the H held-out items of all queries, by ascending number of the query.

    Attributes:
      users: object [H] of text, the user of each item's query; '' where no column names it.
      queries: int64 [H], the number of the query.
      items: object [H] of text, the held-out item; None for one that the item table lacks.
      places: seen rule → int64 [H], the place from 0; `NOWHERE` beyond the largest K.
    """

    users: np.ndarray
    queries: np.ndarray
    items: np.ndarray
    places: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, ranking: Ranking, users: list[str], ids: np.ndarray) -> QueryOutcomes:
        """Returns the outcomes of a ranking.

        Args:
          ranking: of Q queries and M items.
          users: text [Q].
          ids: text [M].
        """
        held_out = ranking.held_out
        return cls(
            np.array(users, object)[held_out.queries],
            held_out.queries,
            item_labels(held_out.items, ids, None),
            {seen: outcome.places for seen, outcome in ranking.outcomes.items()},
        )

    def write(self, folder: Path, step: int) -> None:
        """Writes the file of a model that was trained for `step` steps, completely or not at all.

        Raises:
          RunError: it cannot be written.
        """
        columns = {
            "user": pa.array(self.users, pa.string()),
            "query": pa.array(self.queries, pa.int64()),
            "item": pa.array(self.items, pa.string()),
        }
        for seen, places in self.places.items():
            beyond = places == NOWHERE
            columns[seen] = pa.array(np.where(beyond, 0, places) + 1, pa.int32(), mask=beyond)
        table = pa.table(columns).replace_schema_metadata({STEP: str(step)})
        with atomic_file(folder / FILE) as path, fs.open_arrow(path, "wb") as file:
            pq.write_table(table, file, compression="zstd")


def read_outcomes(folder: Path) -> tuple[int, QueryOutcomes]:
    """Returns the step and the outcomes in a model folder.

    Raises:
      DataError: the file is damaged.
      OSError: there is none.
    """
    path = folder / FILE
    with fs.open_arrow(path) as file:
        try:
            table = pq.ParquetFile(file).read()
            step = int(table.schema.metadata[STEP])
            rules = [name for name in table.column_names if name not in ("user", "query", "item")]
            places = {seen: _places(table[seen]) for seen in rules}
            users, items = (_objects(table[name]) for name in ("user", "item"))
            return step, QueryOutcomes(users, table["query"].to_numpy(), items, places)
        except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
            raise DataError(damaged(path, error, "rank again: evaluate --full_ranking")) from error


def _places(column: pa.ChunkedArray) -> np.ndarray:
    places = column.fill_null(0).to_numpy().astype(np.int64) - 1
    return np.where(places < 0, NOWHERE, places)


def _objects(column: pa.ChunkedArray) -> np.ndarray:
    return np.array(column.to_pylist(), object)
