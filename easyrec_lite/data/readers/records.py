"""Readers of files that are streams of records: lines of text, or serialized examples."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.data.readers.base import Reader, ReaderRequest
from easyrec_lite.data.readers.input_files import BROKEN, broken, check_gzip, is_gzip
from easyrec_lite.data.rows.cells import faults
from easyrec_lite.data.rows.order import CHUNK, RecordRun, RowOrder, arranged, ordered

Columns = dict[str, Any]

PIECE = 4096
SEARCHED_PIECES = 256


class RecordReader(Reader):
    """Reads records in order, then parses a batch of them at a time.

    A subclass says what a record is. To name bad rows costs nothing while rows are good: since the
    order can be repeated, a batch that failed is read again, and its records are checked one by one
    in Python.
    """

    def __init__(self, request: ReaderRequest):
        super().__init__(request)
        self._gzip = [is_gzip(file) for file in self.files]
        self._whole: set[str] = set()
        self._guarded = True
        self._prepare(request)
        if request.training and not any(self._has_rows(file) for file in self.files):
            raise DataError(_no_rows(file) for file in self.files)

    @abc.abstractmethod
    def _prepare(self, request: ReaderRequest) -> None:
        """Reads what the reader needs to know of the config and of the files' first lines."""

    @abc.abstractmethod
    def _has_rows(self, file: str) -> bool:
        """Returns whether the file holds any record."""

    @abc.abstractmethod
    def _records(self, file: tf.Tensor, compression: tf.Tensor) -> tf.data.Dataset:
        """Returns the records of a file as scalar strings, without headers."""

    @abc.abstractmethod
    def _parse(self, records: tf.Tensor) -> Columns:
        """Returns the columns [B] of records [B]; fails when any record is bad."""

    @abc.abstractmethod
    def _problems(self, record: bytes) -> list[Problem]:
        """Returns the problems of a record, without their place; none of a good one."""

    @abc.abstractmethod
    def _counts(self, file: str) -> Iterator[int]:
        """Yields the line number of each record of a file."""

    @tf.autograph.experimental.do_not_convert
    def _tidy(self, records: tf.Tensor, *tags: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Returns records [n] and their tags, without the records that are no rows."""
        return records, *tags

    def numbered(self, order: RowOrder, batch_size: int, drop_remainder: bool) -> tf.data.Dataset:
        """Returns (columns, `RowNumbers`) of the order's rows; only the share is parsed."""
        chunks = self._chunks(order).prefetch(1)
        if self._skip_bad:
            pieces = chunks.rebatch(PIECE)
            chunks = pieces.map(self._without_bad, tf.data.AUTOTUNE, deterministic=True)

        @tf.autograph.experimental.do_not_convert
        def parse(records: tf.Tensor, epoch: tf.Tensor, row: tf.Tensor, _: tf.Tensor) -> Any:
            numbers, own = self.share.cut(epoch, row, records)
            with tf.name_scope("parse"):
                return self._parse(own), numbers

        batches = chunks.rebatch(self.share.together(batch_size), drop_remainder=drop_remainder)
        return batches.map(parse, tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)

    def sizes(self) -> tuple[np.ndarray, int]:
        """Returns the number of records of each file, int64, and of all rows; reads the files."""
        compression = ["GZIP" if packed else "" for packed in self._gzip]
        each = zip(self.files, compression, strict=True)
        counts = [self._count(tf.constant(file), tf.constant(kind)) for file, kind in each]
        sizes, rows = np.array(counts, np.int64).T
        return sizes, int(rows.sum())

    def _count(self, file: tf.Tensor, compression: tf.Tensor) -> np.ndarray:
        """Returns (records, rows) of a file, int64."""

        def add(total: tf.Tensor, records: tf.Tensor) -> tf.Tensor:
            (rows,) = self._tidy(records)
            return total + tf.stack([tf.size(records, tf.int64), tf.size(rows, tf.int64)])

        records = self._records(file, compression).batch(CHUNK)
        return records.reduce(tf.zeros(2, tf.int64), add).numpy()

    def records(self, order: RowOrder, sizes: np.ndarray) -> Iterator[RecordRun]:
        """Yields the numbers of the records of an order."""
        return arranged(order, sizes)

    def _chunks(self, order: RowOrder) -> tf.data.Dataset:
        """Returns (records, epoch, row, index) as `ordered` does, but rows alone."""
        files = tf.constant(self.files)
        compression = tf.constant(["GZIP" if packed else "" for packed in self._gzip])

        @tf.autograph.experimental.do_not_convert
        def source(epoch: tf.Tensor) -> tf.data.Dataset:
            index = order.files(epoch, len(self.files))
            each = tf.gather(files, index), tf.gather(compression, index)
            read = self._checked_records if self._unchecked() else self._records
            return tf.data.Dataset.from_tensor_slices(each).flat_map(read)

        fails_if_changed = self._check_unchanged if self._guarded else lambda _: False
        unchanged = tf.data.Dataset.from_tensors([""]).filter(fails_if_changed)
        return ordered(source, order, unchanged).map(self._tidy)

    def _checked_records(self, file: tf.Tensor, compression: tf.Tensor) -> tf.data.Dataset:
        """Returns the records of a gzip file; reading fails at the end if the file is truncated.

        TensorFlow itself reads a truncated gzip file without an error.
        """

        def check(file: tf.Tensor) -> tf.Tensor:
            return _false_if(self._is_whole, [file], "a file is truncated or damaged")

        end = tf.data.Dataset.from_tensors(file).filter(check)
        return self._records(file, compression).concatenate(end)

    def check_files(self) -> None:
        """Reads the gzip files to their ends, so that `numbered` runs no Python code from now on.

        It then checks neither gzip files nor whether a file changes.

        Raises:
          DataError: one is truncated or damaged.
        """
        for file in self._unchecked():
            try:
                check_gzip(file)
            except BROKEN as error:
                raise DataError(broken(file, error)) from error
            self._whole.add(file)
        self._guarded = False

    def _unchecked(self) -> list[str]:
        pairs = zip(self.files, self._gzip, strict=True)
        return [file for file, packed in pairs if packed and file not in self._whole]

    def _is_whole(self, file: tf.Tensor) -> bool:
        name = file.numpy().decode()
        if name not in self._whole and is_gzip(name):
            try:
                check_gzip(name)
            except (*BROKEN, OSError):
                return False
        self._whole.add(name)
        return True

    @tf.autograph.experimental.do_not_convert
    def _check_unchanged(self, _: tf.Tensor) -> tf.Tensor:
        """Returns False; fails when a file has changed since it was opened."""
        return _false_if(lambda: not self._changed(), [], "a file changed")

    # Bad rows.

    @tf.autograph.experimental.do_not_convert
    def _without_bad(self, *parts: tf.Tensor) -> tuple[tf.Tensor, ...]:
        good = tf.py_function(self._good_rows, parts[:3], tf.bool)
        good.set_shape([None])
        return tuple(tf.boolean_mask(part, good) for part in parts)

    def _good_rows(self, records: tf.Tensor, epoch: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        """Returns which records are good, bool [n], and counts good and bad ones."""
        bad = self._faults(records)
        count = int(tf.size(records))
        self._bad.good(count - len(bad))
        for at in sorted(bad):
            self._bad.add(int(epoch[at]), int(row[at]), bad[at][0])
        return tf.constant([at not in bad for at in range(count)], tf.bool)

    def _parsed(self, records: tf.Tensor) -> Columns | None:
        """Returns the columns of records [n], or None when one cannot be parsed."""
        try:
            return self._parse(records)
        except (tf.errors.InvalidArgumentError, UnicodeDecodeError):
            return None

    def _faults(self, records: tf.Tensor) -> dict[int, list[Problem]]:
        """Returns the bad rows among records [n]: number → problems."""
        columns = self._parsed(records)
        if columns is not None:
            return faults(self._cells, columns)
        each = {at: self._unparsed(record) for at, record in enumerate(records.numpy())}
        good = [at for at, problems in each.items() if not problems]
        bad = {at: problems for at, problems in each.items() if problems}
        columns = self._parsed(tf.gather(records, good)) if good else None
        if columns is None:
            return bad
        return bad | {good[at]: why for at, why in faults(self._cells, columns).items()}

    def _unparsed(self, record: bytes) -> list[Problem]:
        """Returns the problems of a record that cannot be parsed; none of one that can."""
        problems = self._problems(record)
        if not problems and self._parsed(tf.constant([record])) is None:
            problems = [Problem("the row cannot be parsed", found=repr(record[:200]))]
        return problems

    def _first_bad(self, order: RowOrder) -> list[Problem]:
        try:
            return self._search(order)
        except (DataError, *BROKEN, tf.errors.OpError) as error:
            return self._broken_files() or [Problem(f"reading failed: {error}")]

    def _search(self, order: RowOrder) -> list[Problem]:
        """Returns the problems of the first bad row among the next `SEARCHED_PIECES` pieces."""
        for piece in self._chunks(order).rebatch(PIECE).take(SEARCHED_PIECES):
            records, epoch, _, index = piece
            found = self._faults(records)
            if found:
                first = min(found)
                place = self._place(order, int(epoch[first]), int(index[first]))
                return [dataclasses.replace(fault, place=place) for fault in found[first]]
        return []

    def _place_of(self, order: RowOrder, epoch: int, row: int) -> Place:
        for _, _, _, index in self._chunks(dataclasses.replace(order, start=(epoch, row))).take(1):
            return self._place(order, epoch, int(index[0]))
        return Place()

    def _place(self, order: RowOrder, epoch: int, index: int) -> Place:
        """Returns the file and line of record `index` of an epoch's files in their order."""
        files = [self.files[number] for number in order.files(epoch, len(self.files))]
        lines = ((file, line) for file in files for line in self._counts(file))
        file, line = next(islice(lines, index, None))
        return Place(file, line)

    def _broken_files(self) -> list[Problem]:
        """Returns a problem for each file that cannot be read to its end."""
        problems: list[Problem] = []
        for file in self.files:
            try:
                if is_gzip(file):
                    check_gzip(file)
                for _ in self._counts(file):
                    pass
            except DataError as error:
                problems += error.problems
            except (*BROKEN, tf.errors.OpError) as error:
                problems.append(broken(file, error))
        return problems


def _false_if(good: Callable[..., bool], inputs: list[tf.Tensor], failure: str) -> tf.Tensor:
    """Returns False where the Python function `good` returns True; fails otherwise.

    An exception raised by `good` would be formatted in a thread of TensorFlow, while Python may be
    deleting an object that waits for that thread. So `good` raises none, and `explain` finds out
    what is wrong.
    """
    fine = tf.ensure_shape(tf.py_function(good, inputs, tf.bool), [])
    with tf.control_dependencies([tf.debugging.Assert(fine, [failure])]):
        return tf.logical_not(fine)


def _no_rows(file: str) -> Problem:
    return Problem("the file holds no rows", Place(file), remedy="name a file with data")
