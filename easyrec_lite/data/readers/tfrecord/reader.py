"""Reads TFRecord files by TensorFlow's operations."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import tensorflow as tf

from easyrec_lite.checks.columns import InputField
from easyrec_lite.checks.specs.reader import READERS
from easyrec_lite.core.errors import DataError, Problem
from easyrec_lite.data.readers.base import ReaderRequest
from easyrec_lite.data.readers.input_files import broken, is_gzip
from easyrec_lite.data.readers.records import Columns, RecordReader
from easyrec_lite.data.readers.tfrecord.example import HEAD, LISTS, absent_fields, record_values
from easyrec_lite.data.readers.tfrecord.spec import TFRecordSpec

DTYPES = {"int64_list": tf.int64, "float_list": tf.float32, "bytes_list": tf.string}
log = logging.getLogger(__name__)


@READERS.implement(*TFRecordSpec().names)
class TFRecordReader(RecordReader):
    """Reads examples with one value for each field; an absent field has its default."""

    def _prepare(self, request: ReaderRequest) -> None:
        self._specs = {
            field.name: tf.io.FixedLenFeature(
                [], DTYPES[LISTS[field.type]], None if field.required else field.default
            )
            for field in self.fields
        }
        absent = absent_fields(self.files[0], _head(self.files[0], HEAD), self.fields)
        errors = [problem for problem in absent if problem.severity == "error"]
        if errors:
            raise DataError(errors)
        for problem in absent:
            log.warning("%s", problem)

    def _has_rows(self, file: str) -> bool:
        return bool(_head(file, 1))

    def _records(self, file: tf.Tensor, compression: tf.Tensor) -> tf.data.Dataset:
        return tf.data.TFRecordDataset(file, compression_type=compression)

    def _counts(self, file: str) -> Iterator[int]:
        for number, _ in enumerate(_records(file), 1):
            yield number

    def _parse(self, records: tf.Tensor) -> Columns:
        values = tf.io.parse_example(records, self._specs)
        return {field.name: _cast(field, values[field.name]) for field in self.fields}

    def _problems(self, record: bytes) -> list[Problem]:
        return record_values(record, self.fields)[1]


def _records(file: str) -> tf.data.Dataset:
    return tf.data.TFRecordDataset(file, compression_type="GZIP" if is_gzip(file) else "")


def _head(file: str, count: int) -> list[bytes]:
    """Returns the first records of a file.

    Raises:
      DataError: it is not a TFRecord file.
    """
    try:
        return list(_records(file).take(count).as_numpy_iterator())
    except tf.errors.DataLossError as error:
        raise DataError(broken(file, error.message)) from None


def _cast(field: InputField, values: tf.Tensor) -> tf.Tensor:
    if field.type == "INT32":
        fits = tf.reduce_all((values >= tf.int32.min) & (values <= tf.int32.max))
        with tf.control_dependencies([tf.debugging.Assert(fits, ["a value that is no INT32"])]):
            return tf.cast(values, tf.int32)
    if values.dtype.is_floating:
        values = tf.debugging.check_numerics(values, "not a finite number")
    return tf.cast(values, field.dtype)
