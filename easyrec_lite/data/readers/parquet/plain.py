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
    check_schema,
    convert_table,
    is_list,
    open_parquet,
    row_problems,
)

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
        _require(files, self._fields, self._single)
        names = [field.name for field in self._fields]
        for file in files:
            before = 0
            for batch in open_parquet(file).iter_batches(ROWS_AT_ONCE, columns=names):
                table = pa.Table.from_batches([batch.slice(0, count)])
                yield from self._rows(table, file, before)
                count -= len(table)
                before += len(table)
                if not count:
                    return

    def _rows(self, table: pa.Table, file: str, before: int) -> Iterator[SampledRow]:
        converted, bad = convert_table(table, self._fields)
        for row, values in enumerate(converted.to_pylist()):
            found = row_problems(table.slice(row, 1), self._fields) if bad[row] else []
            place = Place(file, before + row + 1)
            placed = [dataclasses.replace(problem, place=place) for problem in found]
            yield SampledRow(place, placed, {} if found else values)

    def text(self, files: Sequence[str], fields: Sequence[InputField]) -> Iterator[pa.Table]:
        """Yields parts of the files as tables of text, a column a field; lists joined by `|`.

        Raises:
          DataError: a file is no Parquet file, or lacks a column.
        """
        _require(files, fields)
        names = [field.name for field in fields]
        for file in files:
            for batch in open_parquet(file).iter_batches(columns=names):
                yield pa.table([_as_text(batch.column(name)) for name in names], names=names)


def plain_reader(pipeline: Pipeline) -> PlainParquetReader:
    """Returns what reads the files of a config without TensorFlow."""
    return PlainParquetReader(pipeline)


def _require(
    files: Sequence[str], fields: Sequence[InputField], single: Collection[str] = ()
) -> None:
    problems = [problem for file in files for problem in check_schema(file, fields, single)[1]]
    if problems:
        raise DataError(problems)


def _as_text(cells: pa.Array) -> pa.Array:
    if is_list(cells.type):
        cells = pc.binary_join(cells.cast(pa.list_(pa.string())), JOINED_BY)
    return cells.cast(pa.string()).fill_null("")
