"""Reads CSV files by TensorFlow's operations."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from easyrec_lite.checks.columns import BOOLEANS, InputField
from easyrec_lite.checks.encoding import UTF8
from easyrec_lite.checks.specs.reader import READERS
from easyrec_lite.core.errors import Problem
from easyrec_lite.data.readers.base import ReaderRequest
from easyrec_lite.data.readers.csv.format import csv_format, file_lines
from easyrec_lite.data.readers.csv.rows import csv_columns
from easyrec_lite.data.readers.csv.spec import CsvSpec
from easyrec_lite.data.readers.input_files import BYTE_ORDER_MARK, expand
from easyrec_lite.data.readers.partitions import folder_texts
from easyrec_lite.data.readers.records import Columns, RecordReader
from easyrec_lite.data.rows.generated import generated
from easyrec_lite.data.rows.order import CHUNK

if TYPE_CHECKING:
    from easyrec_lite.config import Pipeline

NOT_FINITE = "not a finite number"
# The cell that is added to the lines of files in folders that hold values of fields.
FILE_NUMBER = InputField("number of the file", "INT64", 0)


@READERS.implement(*CsvSpec().names)
class CsvReader(RecordReader):
    """Lines of text, parsed by `tf.io.decode_csv`, or by a plain split (`CSVInputEx`)."""

    @classmethod
    def held(cls, pipeline: Pipeline, path: str) -> Collection[str]:
        """Returns the names in all headers, or their folders; without headers, all fields."""
        form = csv_format(pipeline)
        if not form.with_header:
            return super().held(pipeline, path)
        each = ({*form.header(file), *folder_texts(file)} for file in expand(path))
        return set.intersection(*each)

    def _prepare(self, request: ReaderRequest) -> None:
        self._format = csv_format(request.pipeline)
        self._columns = csv_columns(self._format, self.files, request.fields, request.wanted)
        encoding = self._format.encoding
        firsts = (next(file_lines(file, encoding), b"") for file in self.files)
        self._marked = any(line.startswith(BYTE_ORDER_MARK) for line in firsts)

    def _has_rows(self, file: str) -> bool:
        return next(self._columns.rows(file), None) is not None

    def _records(self, file: tf.Tensor, compression: tf.Tensor) -> tf.data.Dataset:
        if self._format.encoding == UTF8:
            lines = tf.data.TextLineDataset(file, compression_type=compression)
        else:
            lines = self._decoded(file)
        lines = lines.skip(1) if self._format.with_header else lines
        return self._numbered_lines(lines, file) if self._columns.folders.fields else lines

    def _decoded(self, file: tf.Tensor) -> tf.data.Dataset:
        """Returns the lines of a file in another encoding, as UTF-8."""

        def parts(name: Any) -> Iterator[np.ndarray]:
            lines = file_lines(np.asarray(name).item().decode(), self._format.encoding)
            while part := list(islice(lines, CHUNK)):
                yield np.array(part, object)

        return generated(parts, tf.TensorSpec([None], tf.string), file).unbatch()

    def _numbered_lines(self, lines: tf.data.Dataset, file: tf.Tensor) -> tf.data.Dataset:
        """Returns the lines with a last cell: the number of their file, whose folders hold values.

        A line that is no row stays blank.
        """
        number = tf.where(tf.constant(self.files) == file)[0, 0]
        end = tf.strings.join([self._format.separator, tf.strings.as_string(number)])
        alone = len(self._columns.columns) == 1

        @tf.autograph.experimental.do_not_convert
        def add(some: tf.Tensor) -> tf.Tensor:
            some = _without_mark(some) if self._marked else some
            row = tf.fill(tf.shape(some), True) if alone else tf.strings.length(some) > 0
            return tf.where(row, tf.strings.join([some, end]), some)

        return lines.batch(CHUNK).map(add).unbatch()

    def _counts(self, file: str) -> Iterator[int]:
        first = 2 if self._format.with_header else 1
        lines = enumerate(file_lines(file, self._format.encoding), 1)
        return (number for number, _ in lines if number >= first)

    @tf.autograph.experimental.do_not_convert
    def _tidy(self, records: tf.Tensor, *tags: tf.Tensor) -> tuple[tf.Tensor, ...]:
        if self._marked:
            records = _without_mark(records)
        if len(self._columns.columns) == 1:  # a blank line is an empty cell
            return records, *tags
        row = tf.strings.length(records) > 0
        parts = (records, *tags)
        # Copying the texts takes longer than reading them.
        return tf.cond(
            tf.reduce_all(row),
            lambda: parts,
            lambda: tuple(tf.boolean_mask(part, row) for part in parts),
        )

    def _problems(self, record: bytes) -> list[Problem]:
        if not self._columns.folders.fields:
            return self._columns.problems(record, "")
        line, _, number = record.rpartition(self._format.separator)
        return self._columns.problems(line, self.files[int(number)])

    def _parse(self, records: tf.Tensor) -> Columns:
        fields = list(self._columns.columns)
        folders = self._columns.folders.fields
        fields += [FILE_NUMBER] if folders else []
        cut = self._decode if self._format.quoted else self._split
        pairs = zip(fields, cut(records, fields), strict=True)
        columns = {field.name: _finish(field, cell) for field, cell in pairs if field}
        if folders:
            number = columns.pop(FILE_NUMBER.name)
            columns |= {each.name: self._of_folder(each, number, columns) for each in folders}
        return columns

    def _of_folder(self, field: InputField, number: tf.Tensor, columns: Columns) -> tf.Tensor:
        """Returns what the folders of the rows' files hold; a column of the files must equal it."""
        values = [self._columns.folders.value(file, field) for file in self.files]
        column = tf.gather(tf.constant(values, field.dtype), number)
        if field.name not in columns:
            return column
        same = tf.reduce_all(columns[field.name] == column)
        with tf.control_dependencies([tf.debugging.Assert(same, ["another value in the folder"])]):
            return tf.identity(column)

    def _decode(self, lines: tf.Tensor, fields: Sequence[InputField | None]) -> list[tf.Tensor]:
        return self._cut(lines, [_record_default(field) for field in fields])

    def _cut(self, lines: tf.Tensor, defaults: list[tf.Tensor]) -> list[tf.Tensor]:
        if len(defaults) == 1:  # `decode_csv` finds no cell in an empty line
            lines = tf.where(tf.strings.length(lines) > 0, lines, b'""')
        return tf.io.decode_csv(lines, defaults, field_delim=self._format.separator)

    def _split(self, lines: tf.Tensor, fields: Sequence[InputField | None]) -> list[tf.Tensor]:
        texts = self._cut_plain(lines, fields)
        columns = zip(fields, texts, strict=True)
        return [_number(field, cell) if field else cell for field, cell in columns]

    def _cut_plain(self, lines: tf.Tensor, columns: Sequence[Any]) -> list[tf.Tensor]:
        count = len(columns)
        ragged = tf.strings.split(lines, self._format.separator)
        same = tf.reduce_all(ragged.row_lengths() == count)
        with tf.control_dependencies([tf.debugging.Assert(same, ["the number of columns"])]):
            cells = tf.reshape(ragged.values, [-1, count])
        return tf.unstack(cells, axis=1)


def _record_default(field: InputField | None) -> tf.Tensor:
    """Returns the scalar by which `decode_csv` knows a column's dtype and default.

    Of a column that must have a value it is [0], by which `decode_csv` fails at an empty cell.
    """
    if field is None:
        return tf.constant(b"")
    if field.required:
        return tf.zeros([0], tf.string if field.type == "BOOL" else field.dtype)
    if field.type == "BOOL":
        return tf.constant(b"1" if field.default else b"0")
    return tf.constant(field.default, field.dtype)


def _number(field: InputField, text: tf.Tensor) -> tf.Tensor:
    """Returns text cells [B] converted as `decode_csv` would convert them."""
    default: Any = _record_default(field)
    if field.required:
        return text if default.dtype == tf.string else tf.strings.to_number(text, field.dtype)
    empty = tf.strings.length(text) == 0
    if default.dtype == tf.string:
        return tf.where(empty, default, text)
    numbers = tf.strings.to_number(tf.where(empty, b"0", text), field.dtype)
    return tf.where(empty, default, numbers)


def _finish(field: InputField, cell: tf.Tensor) -> tf.Tensor:
    """Returns a decoded column [B] in its field's dtype, its values checked."""
    if field.type == "BOOL":
        return _boolean(cell)
    return tf.debugging.check_numerics(cell, NOT_FINITE) if cell.dtype.is_floating else cell


def _boolean(text: tf.Tensor) -> tf.Tensor:
    word = tf.strings.lower(tf.strings.strip(text))
    true, false = (
        tf.reduce_any([word == name for name, value in BOOLEANS.items() if value is side], axis=0)
        for side in (True, False)
    )
    known = tf.debugging.Assert(tf.reduce_all(true | false), ["a cell that is no BOOL"])
    with tf.control_dependencies([known]):
        return tf.identity(true)


def _without_mark(lines: tf.Tensor) -> tf.Tensor:
    marked = tf.strings.substr(lines, 0, 3) == BYTE_ORDER_MARK
    rest = tf.strings.substr(lines, tf.where(marked, 3, 0), tf.strings.length(lines))
    return tf.where(marked, rest, lines)
