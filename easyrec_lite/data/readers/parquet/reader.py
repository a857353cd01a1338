"""Reads Parquet files by pyarrow, in Python."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import tensorflow as tf

from easyrec_lite.checks.columns import InputField
from easyrec_lite.checks.specs.reader import READERS
from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.data.readers.bad_rows import TooManyBadRows
from easyrec_lite.data.readers.base import Reader, ReaderRequest
from easyrec_lite.data.readers.input_files import broken, changed, expand, stamp
from easyrec_lite.data.readers.parquet.spec import ParquetSpec
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
from easyrec_lite.data.readers.parquet.windows import RowGroup, Window, row_groups, windows
from easyrec_lite.data.readers.partitions import folder_texts, partitions
from easyrec_lite.data.rows.cells import faults, nothing
from easyrec_lite.data.rows.generated import generated
from easyrec_lite.data.rows.order import RecordRun, RowOrder
from easyrec_lite.data.rows.share import RowNumbers

if TYPE_CHECKING:
    from easyrec_lite.config import Pipeline

PIECE = 4096
SEARCHED_PIECES = 256


class ParquetRows(NamedTuple):
    """n rows: their converted columns, and each row's epoch and number in it, int64 [n]."""

    table: pa.Table
    epoch: np.ndarray
    row: np.ndarray


@READERS.implement(*ParquetSpec().names)
class ParquetReader(Reader):
    """Reads whole row groups, permutes their rows, and cuts the rows into batches of columns.

    An epoch reads the row groups in a random order. The rows of as many of them as hold the
    shuffle's number of rows are permuted together.
    """

    def __init__(self, request: ReaderRequest):
        super().__init__(request)
        self._names = [field.name for field in self.fields]
        self._single = {*request.data.label_fields, request.data.sample_weight}
        self._folders = partitions(self.files, request.fields, self.fields)
        self._lists = self._check()
        self._looks_at_cells = self._skip_bad and self._cells is not nothing
        self._groups = [group for file in self.files for group in row_groups(file)]
        if request.training and not self._groups:
            problem = "the file holds no rows"
            raise DataError(Problem(problem, Place(file)) for file in self.files)

    @classmethod
    def held(cls, pipeline: Pipeline, path: str) -> Collection[str]:
        """Returns the names of the columns that all files, or their folders, have."""
        files = expand(path)
        each = ({*open_parquet(file).schema_arrow.names, *folder_texts(file)} for file in files)
        return set.intersection(*each)

    def _check(self) -> frozenset[str]:
        """Returns the columns that hold lists, which must be the same in all files."""
        problems = []
        lists: dict[str, set[bool]] = {name: set() for name in self._names}
        for file in self.files:
            schema, found = check_schema(file, self.fields, self._single, self._folders)
            problems += found
            for name in [] if found else set(self._names) & set(schema.names):
                lists[name].add(is_list(schema.field(name).type))
        for name, kinds in lists.items():
            if len(kinds) > 1:
                message = "the column holds lists in some files and single values in others"
                problems.append(Problem(message, Place(self.files[0]), name))
        if problems:
            raise DataError(problems)
        return frozenset(name for name, kinds in lists.items() if True in kinds)

    def numbered(self, order: RowOrder, batch_size: int, drop_remainder: bool) -> tf.data.Dataset:
        """Returns (columns, `RowNumbers`) of the order's rows."""
        together = self.share.together(batch_size)

        def arrays(start: np.ndarray) -> Iterator[tuple[dict[str, Any], RowNumbers]]:
            begun = dataclasses.replace(order, start=tuple(start.tolist()))
            for rows in self._cut(begun, together):
                if len(rows.row) == together or not drop_remainder:
                    first, last, real = self.share.span(len(rows.row))
                    position = np.array([rows.epoch[-1], rows.row[-1] + 1])
                    own = _slice(rows, first, last)
                    yield self._arrays(own.table), RowNumbers(own.epoch, own.row, position, real)

        columns = {field.name: self._signature(field) for field in self.fields}
        each, pair = (tf.TensorSpec([size], tf.int64) for size in (None, 2))
        signature = columns, RowNumbers(each, each, pair, tf.TensorSpec([], tf.bool))
        start = tf.convert_to_tensor(order.start, tf.int64)
        return generated(arrays, signature, start).map(self._ragged).prefetch(tf.data.AUTOTUNE)

    def sizes(self) -> tuple[np.ndarray, int]:
        """Returns the number of rows of each row group, int64, and of all; reads nothing."""
        sizes = np.array([group.rows for group in self._groups], np.int64)
        return sizes, int(sizes.sum())

    def records(self, order: RowOrder, sizes: np.ndarray) -> Iterator[RecordRun]:
        """Yields the numbers of the rows of an order."""
        starts = dict(zip(self._groups, np.cumsum(sizes) - sizes, strict=True))
        for window in windows(self._groups, order):
            each = [starts[group] + np.arange(group.rows) for group in window.groups]
            index = self._index(window, order)
            yield RecordRun(
                window.epoch, window.first + window.rows - len(index), np.concatenate(each)[index]
            )

    def _index(self, window: Window, order: RowOrder) -> np.ndarray:
        """Returns the rows of a window in their order, without the consumed ones."""
        index = window.permutation(order)
        if window.epoch == order.start[0]:
            index = index[max(order.start[1] - window.first, 0) :]
        return index

    # Columns as tensors.

    def _signature(self, field: InputField) -> Any:
        values = tf.TensorSpec([None], field.dtype)
        return (values, tf.TensorSpec([None], tf.int64)) if field.name in self._lists else values

    def _arrays(self, table: pa.Table) -> dict[str, Any]:
        """Returns numpy arrays; (values, row splits) of a list column."""
        columns: dict[str, Any] = {}
        for name in self._names:
            column = _joined(table.column(name))
            if name in self._lists:
                offsets = column.offsets.to_numpy()
                columns[name] = _numpy(column.flatten()), offsets - offsets[0]
            else:
                columns[name] = _numpy(column)
        return columns

    @tf.autograph.experimental.do_not_convert
    def _ragged(self, columns: dict[str, Any], numbers: RowNumbers) -> Any:
        ragged = {
            name: tf.RaggedTensor.from_row_splits(*columns[name], validate=False)
            for name in self._lists
        }
        return {**columns, **ragged}, numbers

    # Rows in order.

    def _cut(self, order: RowOrder, batch_size: int) -> Iterator[ParquetRows]:
        """Yields the rows of an order, `batch_size` at a time; the last may be fewer."""
        pending: list[ParquetRows] = []
        count = 0
        for window in windows(self._groups, order):
            rows = self._read(window, order)
            pending.append(rows)
            count += len(rows.row)
            if count < batch_size:
                continue
            rows = _concat(pending)
            whole = count - count % batch_size
            for first in range(0, whole, batch_size):
                yield _slice(rows, first, first + batch_size)
            pending, count = [_slice(rows, whole, count)], count - whole
        if count:
            yield _concat(pending)

    def _read(self, window: Window, order: RowOrder) -> ParquetRows:
        """Returns the rows of a window in their order, without consumed and bad ones.

        Raises:
          DataError: a row is bad, and the policy is to stop; or too many rows are bad.
        """
        raw = [self._read_group(group) for group in window.groups]
        converted = [convert_table(table, self.fields) for table in raw]
        bad = np.concatenate(
            [
                self._bad_rows(table, wrong, group.file)
                for (table, wrong), group in zip(converted, window.groups, strict=True)
            ]
        )
        index = self._index(window, order)
        row = np.arange(window.first + window.rows - len(index), window.first + window.rows)
        if bad.any():
            self._handle_bad(raw, index[bad[index]], row[bad[index]], window)
            index, row = index[~bad[index]], row[~bad[index]]
        self._bad.good(len(index))
        table = pa.concat_tables(table for table, _ in converted).take(pa.array(index))
        return ParquetRows(table, np.full(len(row), window.epoch), row)

    def _read_group(self, group: RowGroup) -> pa.Table:
        try:
            parquet = open_parquet(group.file)
            names = held_columns(parquet, self._names)
            table = parquet.read_row_group(group.number, columns=names)
        except (pa.ArrowException, OSError) as error:
            raise DataError(self._changed() or broken(group.file, error)) from error
        if stamp(group.file) != self._stamps[group.file]:
            raise DataError(changed(group.file))
        return with_folders(table, group.rows, group.file, self._folders)

    def _place_of(self, order: RowOrder, epoch: int, row: int) -> Place:
        order = dataclasses.replace(order, start=(epoch, row))
        window = next(windows(self._groups, order))
        return window.place(self._index(window, order)[0])

    def _handle_bad(
        self, raw: list[pa.Table], index: np.ndarray, rows: np.ndarray, window: Window
    ) -> None:
        for at, row in zip(index, rows, strict=True):
            position, number = window.locate(at)
            row_itself = raw[position].slice(number, 1)
            problems = self._problems(row_itself, window.groups[position].file)
            if not self._skip_bad:
                place = window.place(at)
                raise DataError(dataclasses.replace(each, place=place) for each in problems)
            self._bad.add(window.epoch, int(row), problems[0])

    def _bad_rows(self, converted: pa.Table, bad: np.ndarray, file: str) -> np.ndarray:
        """Returns which rows are bad, bool [n]: `bad`, and those whose cells do not comply."""
        bad = bad | against_folders(converted, file, self._folders)
        if not self._looks_at_cells:
            return bad
        found = bad.copy()
        found[list(faults(self._cells, self._tensors(converted)))] = True
        return found

    def _problems(self, row: pa.Table, file: str) -> list[Problem]:
        """Returns what is wrong with the one row of a table of a file, without its place."""
        found = row_problems(row, self.fields, file, self._folders)
        if found or not self._looks_at_cells:
            return found
        converted, _ = convert_table(row, self.fields)
        return faults(self._cells, self._tensors(converted)).get(0, [])

    def _tensors(self, converted: pa.Table) -> dict[str, Any]:
        arrays = self._arrays(converted)
        for name in self._lists:
            arrays[name] = tf.RaggedTensor.from_row_splits(*arrays[name], validate=False)
        return {
            field.name: arrays[field.name]
            if field.name in self._lists
            else tf.constant(arrays[field.name], field.dtype)
            for field in self.fields
        }

    def _first_bad(self, order: RowOrder) -> list[Problem]:
        self._looks_at_cells = self._cells is not nothing
        try:
            for _ in itertools.islice(self._cut(order, PIECE), SEARCHED_PIECES):
                pass
        except DataError as error:
            return list(error.problems)
        except TooManyBadRows:
            return []
        return []


def _joined(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _numpy(values: pa.Array) -> np.ndarray:
    return values.to_numpy(zero_copy_only=False)


def _slice(rows: ParquetRows, first: int, last: int) -> ParquetRows:
    return ParquetRows(
        rows.table.slice(first, last - first), rows.epoch[first:last], rows.row[first:last]
    )


def _concat(parts: list[ParquetRows]) -> ParquetRows:
    return ParquetRows(
        pa.concat_tables(part.table for part in parts),
        np.concatenate([part.epoch for part in parts]),
        np.concatenate([part.row for part in parts]),
    )
