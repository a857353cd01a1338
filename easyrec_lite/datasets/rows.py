"""Writes rows as comma-separated text without a header."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError, Place, Problem


class RowWriter:
    """Appends rows to a file.

    Args:
      path: the file.
      columns: names of the columns, in the file's order.

    Attributes:
      rows: how many rows were written.
    """

    def __init__(self, path: Path, columns: Sequence[str]):
        self._path = path
        self._schema = pa.schema([(column, pa.string()) for column in columns])
        options = csv.WriteOptions(include_header=False, quoting_style="none")
        self._file = fs.open_arrow(path, "wb")
        self._writer = csv.CSVWriter(self._file, self._schema, write_options=options)
        self.rows = 0

    def write(self, table: pa.Table) -> None:
        """Appends the rows of `table`; nulls become empty cells.

        Raises:
          DataError: a cell contains a comma, a quote or a line break.
        """
        columns = [table[name].cast(pa.string()).fill_null("") for name in self._schema.names]
        try:
            self._writer.write(pa.table(columns, schema=self._schema))
        except pa.ArrowInvalid as error:
            raise DataError(
                Problem(
                    f"a cell cannot be written: {error}",
                    Place(str(self._path)),
                    expected="cells without commas, quotes and line breaks",
                )
            ) from error
        self.rows += table.num_rows

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()
        self._file.close()


def join_tags(tags: pa.Array, counts: np.ndarray) -> pa.Array:
    """Returns text [R], the tags of each row joined by `|`.

    Args:
      tags: the tags of all rows, one row after another.
      counts: int [R], the number of tags of each row.
    """
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    return pc.binary_join(pa.ListArray.from_arrays(offsets, tags.cast(pa.string())), "|")


def latest_first(begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Returns int64 [L]: for one row after another the numbers end − 1, end − 2, …, begin.

    Example:
      >>> latest_first(np.array([0, 5]), np.array([3, 7])).tolist()
      [2, 1, 0, 6, 5]


    Args:
      begin: int64 [R].
      end: int64 [R], ≥ `begin`.
    """
    counts = end - begin
    steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(end, counts) - 1 - steps
