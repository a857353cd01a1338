"""Reads TFRecord files by TensorFlow's operations."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator

import tensorflow as tf
from google.protobuf.message import DecodeError

from easyrec_lite.checks.columns import InputField
from easyrec_lite.checks.specs.reader import READERS
from easyrec_lite.core.errors import DataError, Place, Problem, nearest
from easyrec_lite.data.readers.base import ReaderRequest
from easyrec_lite.data.readers.input_files import broken, is_gzip
from easyrec_lite.data.readers.partitions import folder_texts
from easyrec_lite.data.readers.records import Columns, RecordReader
from easyrec_lite.data.readers.tfrecord.spec import TFRecordSpec

STORED = {
    "INT32": tf.int64,
    "INT64": tf.int64,
    "BOOL": tf.int64,
    "FLOAT": tf.float32,
    "DOUBLE": tf.float32,
    "STRING": tf.string,
}
LISTS = {tf.int64: "int64_list", tf.float32: "float_list", tf.string: "bytes_list"}
HEAD = 1000
log = logging.getLogger(__name__)


@READERS.implement(*TFRecordSpec().names)
class TFRecordReader(RecordReader):
    """Reads examples with one value for each field; an absent field has its default."""

    def _prepare(self, request: ReaderRequest) -> None:
        self._specs = {
            field.name: tf.io.FixedLenFeature(
                [], STORED[field.type], None if field.required else field.default
            )
            for field in self.fields
        }
        absent = list(self._absent())
        errors = [problem for problem in absent if problem.severity == "error"]
        if errors:
            raise DataError(errors)
        for problem in absent:
            log.warning("%s", problem)

    def _absent(self) -> Iterator[Problem]:
        """Yields a warning for each field that is absent from all of the first records.

        An error if the field is a key of the file's folders, which are not read here.
        """
        names: set[str] = set()
        file = self.files[0]
        for record in _head(file, HEAD):
            try:
                names.update(tf.train.Example.FromString(record).features.feature)
            except DecodeError:
                return
        for field in self.fields:
            if names and field.name not in names and field.name in folder_texts(file):
                yield Problem(
                    message="a folder holds this field, and the records do not",
                    place=Place(file),
                    path=field.name,
                    remedy="write it into the records, or use CSV or Parquet files",
                )
            elif names and field.name not in names:
                yield Problem(
                    message=f"none of the first {HEAD} records has it"
                    + ("" if field.required else f": it is {field.default!r}"),
                    place=Place(file),
                    path=field.name,
                    nearest=nearest(field.name, names),
                    severity="warning",
                )

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
        try:
            features = tf.train.Example.FromString(record).features.feature
        except DecodeError:
            return [Problem("the record is not a serialized tf.train.Example")]
        return [
            problem
            for field in self.fields
            for problem in _problems(field, features.get(field.name, tf.train.Feature()))
        ]


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


def _problems(field: InputField, feature: tf.train.Feature) -> Iterator[Problem]:
    """Yields the problem of a feature of an Example that is not one good value."""
    name, kind = LISTS[STORED[field.type]], feature.WhichOneof("kind")
    if kind is None:
        if field.required:
            yield field.problem(b"")
        return
    values = getattr(feature, kind).value
    if kind != name or len(values) != 1:
        yield Problem(
            message=f"the field is not one value of {name}",
            path=field.name,
            expected=f"one value of {name}, as {field.type} is stored",
            found=f"{len(values)} values of {kind}",
            remedy="write one value; join lists into one string with the feature's separator",
        )
    elif not _good(field, values[0]):
        yield field.problem(str(values[0]).encode())


def _good(field: InputField, value: int | float | bytes) -> bool:
    if field.type == "INT32":
        return tf.int32.min <= value <= tf.int32.max
    return not isinstance(value, float) or math.isfinite(value)
