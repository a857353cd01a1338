"""The rows of Parquet files without TensorFlow: the first ones checked, or some columns as text."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from easyrec_lite.checks.columns import CellValue, InputField, input_fields
from easyrec_lite.checks.list_text import list_text
from easyrec_lite.checks.specs.reader import SampledRow
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.data.readers.parquet.table import (
    against_folders,
    check_schema,
    convert_table,
    held_columns,
    is_list,
    open_parquet,
    plain,
    row_problems,
    with_folders,
)
from easyrec_lite.data.readers.partitions import Partitions, partitions

if TYPE_CHECKING:
    from easyrec_lite.config import Pipeline

ROWS_AT_ONCE = 1024
JOINED_BY = "|"


class PlainParquetReader:
    """Reads Parquet files without TensorFlow; see `PlainReader`."""

    def __init__(self, pipeline: Pipeline):
        self._fields = input_fields(pipeline)
        self._separators = list_text(View(pipeline)).separators
        data = pipeline.config.data_config
        self._single = {*data.label_fields, data.sample_weight}

    def notes(self, files: Sequence[str]) -> list[Problem]:
        """Returns nothing: a file has all columns, or `sample` fails."""
        return []

    def sample(self, files: Sequence[str], count: int) -> Iterator[SampledRow]:
        """Yields the first `count` rows.

        Raises:
          DataError: a file is no Parquet file, or lacks a column.
        """
        folders = _require(files, self._fields, self._fields, self._single)
        names = [field.name for field in self._fields]
        for file in files:
            before = 0
            for table in _tables(file, names, folders, ROWS_AT_ONCE):
                table = table.slice(0, count)
                yield from self._rows(table, file, before, folders)
                count -= len(table)
                before += len(table)
                if not count:
                    return

    def _rows(
        self, table: pa.Table, file: str, before: int, folders: Partitions
    ) -> Iterator[SampledRow]:
        converted, bad = convert_table(table, self._fields)
        bad |= against_folders(converted, file, folders)
        for row, values in enumerate(converted.to_pylist()):
            one = table.slice(row, 1)
            found = row_problems(one, self._fields, file, folders) if bad[row] else []
            place = Place(file, before + row + 1)
            placed = [dataclasses.replace(problem, place=place) for problem in found]
            yield SampledRow(place, placed, {} if found else values)

    def text(self, files: Sequence[str], fields: Sequence[InputField]) -> Iterator[pa.Table]:
        """Yields parts of the files as tables of text, a column a field.

        Lists are joined by the separator of the features that read them, else by `|`.

        Raises:
          DataError: a file is no Parquet file, or lacks a column; or an entry of a list contains
            the separator.
        """
        folders = _require(files, self._fields, fields)
        names = [field.name for field in fields]
        for file in files:
            before = 0
            for table in _tables(file, names, folders):
                columns = [
                    self._as_text(table[field.name].combine_chunks(), field, file, before)
                    for field in fields
                ]
                before += len(table)
                yield pa.table(columns, names=names)

    def _as_text(self, cells: pa.Array, field: InputField, file: str, before: int) -> pa.Array:
        """Returns cells as text; an empty text of a column of lists is an empty list."""
        separators = self._separators.get(field.name, ())
        if is_list(cells.type):
            return _joined(cells, field, (*separators, JOINED_BY)[0], Place(file, before))
        empty = _text(field.default) if separators and field.type != "STRING" else ""
        return plain(cells).cast(pa.string()).fill_null(empty)


def plain_reader(pipeline: Pipeline) -> PlainParquetReader:
    """Returns what reads the files of a config without TensorFlow."""
    return PlainParquetReader(pipeline)


def _require(
    files: Sequence[str],
    fields: Sequence[InputField],
    wanted: Sequence[InputField],
    single: Collection[str] = (),
) -> Partitions:
    """Returns the fields that folders hold, of files that hold all others."""
    folders = partitions(files, fields, wanted)
    checked = [check_schema(file, wanted, single, folders)[1] for file in files]
    if any(checked):
        raise DataError(problem for problems in checked for problem in problems)
    return folders


def _tables(
    file: str, names: Sequence[str], folders: Partitions, rows: int = 1 << 16
) -> Iterator[pa.Table]:
    """Yields parts of a file, with the columns that its folders hold."""
    parquet = open_parquet(file)
    held = held_columns(parquet, names)
    for batch in parquet.iter_batches(rows, columns=held or None):
        table = pa.Table.from_batches([batch]).select(held)
        yield with_folders(table, len(batch), file, folders)


def _joined(cells: pa.Array, field: InputField, separator: str, before: Place) -> pa.Array:
    """Returns lists as text, their entries joined by `separator`; a null list is empty.

    Args:
      cells: lists of single values.
      field: their field; a null in a list has its default.
      separator: the text between entries.
      before: the row before the first one.

    Raises:
      DataError: an entry contains the separator.
    """
    entries = plain(cells.flatten()).cast(pa.string()).fill_null(_text(field.default))
    lengths = pc.list_value_length(cells).fill_null(0).to_numpy(zero_copy_only=False)
    ends = np.cumsum(lengths, dtype=np.int64)
    torn = pc.match_substring(entries, separator).to_numpy(zero_copy_only=False)
    if torn.any():
        entry = int(np.argmax(torn))
        row = before.line + int(np.searchsorted(ends, entry, side="right")) + 1
        raise DataError(
            Problem(
                f"an entry of a list contains {separator!r}, which joins lists as text",
                Place(before.file, row),
                field.name,
                found=repr(entries[entry].as_py()),
                remedy="set the feature's separator to a text that no entry contains",
            )
        )
    lists = pa.ListArray.from_arrays(pa.array([0, *ends], pa.int32()), entries)
    return pc.binary_join(lists, separator)


def _text(default: CellValue) -> str:
    return default.decode() if isinstance(default, bytes) else str(default)
