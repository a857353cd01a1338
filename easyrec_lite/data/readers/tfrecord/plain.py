"""The rows of TFRecord files without TensorFlow: the first ones checked, or fields as text."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from easyrec_lite.checks.columns import CellValue, InputField, input_fields
from easyrec_lite.checks.specs.reader import SampledRow
from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.data.readers.tfrecord.example import HEAD, absent_fields, record_values
from easyrec_lite.data.readers.tfrecord.framing import records

if TYPE_CHECKING:
    import pyarrow as pa

    from easyrec_lite.config import Pipeline

ROWS_AT_ONCE = 1 << 12


class PlainTFRecordReader:
    """Reads TFRecord files without TensorFlow; see `PlainReader`."""

    def __init__(self, pipeline: Pipeline):
        self._fields = input_fields(pipeline)

    def notes(self, files: Sequence[str]) -> list[Problem]:
        """Returns a problem for each field that none of the first records holds.

        Raises:
          DataError: a file cannot be read.
        """
        return absent_fields(files[0], islice(records(files[0]), HEAD), self._fields)

    def sample(self, files: Sequence[str], count: int) -> Iterator[SampledRow]:
        """Yields the first `count` rows.

        Raises:
          DataError: a file cannot be read.
        """
        for place, record in islice(_placed(files), count):
            values, problems = record_values(record, self._fields)
            found = [dataclasses.replace(problem, place=place) for problem in problems]
            yield SampledRow(place, found, {} if found else values)

    def text(self, files: Sequence[str], fields: Sequence[InputField]) -> Iterator[pa.Table]:
        """Yields parts of the files as tables of text, a column a field.

        Raises:
          DataError: a file cannot be read, or a record is bad.
        """
        import pyarrow as pa

        bare = [dataclasses.replace(field, default=b"") for field in fields]
        rows = _placed(files)
        while part := list(islice(rows, ROWS_AT_ONCE)):
            each = [_good_values(place, record, bare) for place, record in part]
            columns = {
                field.name: pa.array([_text(values[field.name]) for values in each], pa.binary())
                for field in fields
            }
            try:
                yield pa.table({name: cells.cast(pa.string()) for name, cells in columns.items()})
            except pa.ArrowInvalid as error:
                place = part[0][0]
                raise DataError(Problem(f"a column is not UTF-8 text: {error}", place)) from None


def plain_reader(pipeline: Pipeline) -> PlainTFRecordReader:
    """Returns what reads the files of a config without TensorFlow."""
    return PlainTFRecordReader(pipeline)


def _placed(files: Sequence[str]) -> Iterator[tuple[Place, bytes]]:
    for file in files:
        for number, record in enumerate(records(file), 1):
            yield Place(file, number), record


def _good_values(place: Place, record: bytes, fields: Sequence[InputField]) -> dict[str, CellValue]:
    values, problems = record_values(record, fields)
    if problems:
        raise DataError(dataclasses.replace(problem, place=place) for problem in problems)
    return values


def _text(value: CellValue) -> bytes:
    if isinstance(value, bytes):
        return value
    return (f"{value:.9g}" if isinstance(value, float) else str(value)).encode()
