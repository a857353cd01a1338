"""The rows of Parquet files without TensorFlow: the first ones checked, or some columns as text."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from easyrec_lite.checks.columns import InputField, input_fields
from easyrec_lite.checks.specs.reader import SampledRow
from easyrec_lite.core.errors import DataError, Place
from easyrec_lite.data.readers.parquet.table import (
    against_folders,
    check_schema,
    convert_table,
    held_columns,
    is_list,
    open_parquet,
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
        data = pipeline.config.data_config
        self._single = {*data.label_fields, data.sample_weight}

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
        """Yields parts of the files as tables of text, a column a field; lists joined by `|`.

        Raises:
          DataError: a file is no Parquet file, or lacks a column.
        """
        folders = _require(files, self._fields, fields)
        names = [field.name for field in fields]
        for file in files:
            for table in _tables(file, names, folders):
                columns = (table[name].combine_chunks() for name in names)
                yield pa.table([_as_text(column) for column in columns], names=names)


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


def _as_text(cells: pa.Array) -> pa.Array:
    if is_list(cells.type):
        cells = pc.binary_join(cells.cast(pa.list_(pa.string())), JOINED_BY)
    return cells.cast(pa.string()).fill_null("")
