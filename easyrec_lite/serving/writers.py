"""Writers of predictions: Parquet, or delimited text with a header.

Delimited text is that of RFC 4180, but its line ends are single: a cell with a separator, a quote
or a line end stands in quotes, and a quote inside is doubled. Any CSV reader gives back each cell.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError, Problem

# What spreadsheets take for a formula, and numbers, which are none.
FORMULA = re.compile("[=+@\\-\t\r]")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


class TextDialect(NamedTuple):
    """How delimited text is written.

    Attributes:
      separator: the character between cells.
      guard: whether text cells that a spreadsheet would take for a formula begin with `'`.
    """

    separator: str = ","
    guard: bool = False


# The suffix of files that are not delimited text.
PARQUET = ".parquet"


class TableWriter(Protocol):
    """Writes tables of the same columns, one after another."""

    def write(self, table: pa.Table) -> None:
        """Writes the rows of `table`."""


@contextmanager
def open_writer(path: Path, target: Path, dialect: TextDialect) -> Iterator[TableWriter]:
    """Yields a writer to `path`, in the format that the suffix of `target` names."""
    if target.suffix == PARQUET:
        with fs.open_arrow(path, "wb") as sink:
            parquet = ParquetWriter(sink)
            try:
                yield parquet
            finally:
                parquet.close()
    else:
        with fs.open_binary(path, "wb") as file:
            yield TextWriter(file, dialect)


class TextWriter:
    """Delimited text, quoted where needed.

    A vector is its numbers joined by commas; several vectors of a row, and texts of a list, are
    joined by `|`. Bytes that are no UTF-8 are written as they are.
    """

    def __init__(self, file: BinaryIO, dialect: TextDialect):
        # The writer quotes cells with a character of its line end.
        self._writer = csv.writer(_Lines(file), delimiter=dialect.separator, lineterminator="\r\n")
        self._guard = dialect.guard
        self._begun = False

    def write(self, table: pa.Table) -> None:
        """Writes the rows; the header before the first row."""
        if not self._begun:
            self._writer.writerow(map(self._guarded, table.column_names))
            self._begun = True
        columns = [self._cells(column) for column in table.columns]
        self._writer.writerows(zip(*columns, strict=True))

    def _cells(self, column: pa.ChunkedArray) -> list[str]:
        cells = [_cell(value, column.type) for value in column.to_pylist()]
        return list(map(self._guarded, cells)) if _holds_text(column.type) else cells

    def _guarded(self, cell: str) -> str:
        formula = self._guard and FORMULA.match(cell) and not NUMBER.fullmatch(cell)
        return f"'{cell}" if formula else cell


class _Lines:
    """Writes the lines that end with `\\r\\n`, each given as a whole, with line ends `\\n`."""

    def __init__(self, file: BinaryIO):
        self._file = file

    def write(self, line: str) -> None:
        self._file.write(line.removesuffix("\r\n").encode("utf-8", "surrogateescape") + b"\n")


class ParquetWriter:
    """Parquet, a row group for each table."""

    def __init__(self, sink: pa.NativeFile):
        self._sink = sink
        self._writer: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        """Writes the rows; the first table sets the schema.

        Raises:
          DataError: text is not UTF-8, as it is in Parquet.
        """
        wrong = [name for name in table.column_names if _is_bytes(table.schema.field(name).type)]
        if wrong:
            raise DataError(_not_utf8(name, table[name]) for name in wrong)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._sink, table.schema)
        self._writer.write_table(table)

    def close(self) -> None:
        """Writes the footer; a file without rows has no columns."""
        if self._writer is None:
            pq.write_table(pa.table({}), self._sink)
        else:
            self._writer.close()


def _cell(value: Any, type: pa.DataType) -> str:
    """Returns the text of a value, from which it can be read again exactly."""
    if isinstance(value, list):
        inner = type.value_type
        joint = "|" if pa.types.is_nested(inner) or _holds_text(inner) else ","
        return joint.join(_cell(item, inner) for item in value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, float):
        return repr(value) if pa.types.is_float64(type) else f"{value:.9g}"
    return str(value)


def _inner(type: pa.DataType) -> pa.DataType:
    while pa.types.is_nested(type):
        type = type.value_type
    return type


def _is_bytes(type: pa.DataType) -> bool:
    return bool(pa.types.is_binary(_inner(type)))


def _holds_text(type: pa.DataType) -> bool:
    return _is_bytes(type) or bool(pa.types.is_string(_inner(type)))


def _not_utf8(name: str, column: pa.ChunkedArray) -> Problem:
    texts = [
        text for cell in column.to_pylist() for text in (cell if isinstance(cell, list) else [cell])
    ]
    found = next(text for text in texts if not _decodes(text))
    return Problem(
        f"text of {name} is not UTF-8, as Parquet requires",
        path=name,
        found=repr(found[:80]),
        remedy="state data_config.encoding, or write delimited text, which keeps the bytes",
    )


def _decodes(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def arrow_table(columns: Mapping[str, Any]) -> pa.Table:
    """Returns tensors of B rows as a table; a vector is a list of numbers.

    A column of text is one of strings, or of bytes where a cell is not UTF-8.
    """
    return pa.table({name: _array(column) for name, column in columns.items()})


def _array(column: Any) -> pa.Array:
    """Returns a column of B rows as an Arrow array: text, numbers, or nested lists of numbers."""
    if isinstance(column, tf.RaggedTensor):
        flat = _array(column.flat_values)
        return pa.ListArray.from_arrays(pa.array(column.row_splits.numpy(), pa.int32()), flat)
    values = column.numpy()
    if values.dtype == object:
        cells = values.ravel().tolist()
        return pa.array(cells, pa.string() if all(map(_decodes, cells)) else pa.binary())
    if values.ndim == 1:
        return pa.array(values)
    lists = pa.array(values.ravel())
    for size in reversed(values.shape[1:]):
        lists = pa.FixedSizeListArray.from_arrays(lists, size)
    return lists
