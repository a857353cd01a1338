"""Writers of predictions: Parquet, or delimited text with a header."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from easyrec_lite.core import filesystem as fs


class TableWriter(Protocol):
    """Writes tables of the same columns, one after another."""

    def write(self, table: pa.Table) -> None:
        """Writes the rows of `table`."""


@contextmanager
def open_writer(path: Path, target: Path, separator: str) -> Iterator[TableWriter]:
    """Yields a writer to `path`, in the format that the suffix of `target` names."""
    if target.suffix == ".parquet":
        with fs.open_arrow(path, "wb") as sink:
            parquet = ParquetWriter(sink)
            try:
                yield parquet
            finally:
                parquet.close()
    else:
        with fs.open_text(path, "w", newline="") as file:
            yield TextWriter(file, separator)


class TextWriter:
    """Delimited text, quoted where needed.

    A vector is its numbers joined by commas, several vectors of a row are joined by `|`.
    """

    def __init__(self, file: Any, separator: str):
        self._writer = csv.writer(file, delimiter=separator, lineterminator="\n")
        self._begun = False

    def write(self, table: pa.Table) -> None:
        """Writes the rows; the header before the first row."""
        if not self._begun:
            self._writer.writerow(table.column_names)
            self._begun = True
        columns = [[_cell(value) for value in column.to_pylist()] for column in table.columns]
        self._writer.writerows(zip(*columns, strict=True))


class ParquetWriter:
    """Parquet, a row group for each table."""

    def __init__(self, sink: pa.NativeFile):
        self._sink = sink
        self._writer: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        """Writes the rows; the first table sets the schema."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._sink, table.schema)
        self._writer.write_table(table)

    def close(self) -> None:
        """Writes the footer; a file without rows has no columns."""
        if self._writer is None:
            pq.write_table(pa.table({}), self._sink)
        else:
            self._writer.close()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        several = bool(value) and isinstance(value[0], list)
        return ("|" if several else ",").join(_cell(item) for item in value)
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def arrow_table(columns: Mapping[str, Any]) -> pa.Table:
    """Returns tensors of B rows as a table; text is UTF-8, a vector is a list of numbers."""
    return pa.table({name: _array(column) for name, column in columns.items()})


def _array(column: Any) -> pa.Array:
    """Returns a column of B rows as an Arrow array: text, numbers, or nested lists of numbers."""
    if isinstance(column, tf.RaggedTensor):
        return pa.array(column.to_list())
    values = column.numpy()
    if values.dtype == object:
        return pa.array([_text(value) for value in values.ravel()], pa.string())
    if values.ndim == 1:
        return pa.array(values)
    lists = pa.array(values.ravel())
    for size in reversed(values.shape[1:]):
        lists = pa.FixedSizeListArray.from_arrays(lists, size)
    return lists


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="backslashreplace")
