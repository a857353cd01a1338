"""The rows of CSV files in plain Python: their columns, their values and their problems."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from easyrec_lite.checks.columns import InputField, input_fields, shown
from easyrec_lite.checks.specs.reader import SampledRow
from easyrec_lite.core.errors import DataError, Place, Problem, nearest
from easyrec_lite.data.readers.csv.format import CsvFormat, csv_format
from easyrec_lite.data.readers.partitions import NO_FOLDERS, Partitions, partitions

if TYPE_CHECKING:
    import pyarrow as pa

    from easyrec_lite.config import Pipeline

MAX_PROBLEMS = 20
ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class CsvColumns:
    """The field of each column of the files.

    Attributes:
      format: how lines are cut into cells.
      columns: for each column its field, or None when nobody asked for it.
      folders: the fields that folders hold.
    """

    format: CsvFormat
    columns: tuple[InputField | None, ...]
    folders: Partitions = NO_FOLDERS

    def rows(self, file: str) -> Iterator[tuple[int, bytes]]:
        """Yields (line number, line) of each row of a file."""
        return self.format.rows(file, len(self.columns))

    def cells(self, line: bytes) -> list[bytes]:
        """Returns the cells of a row, one for each column.

        Raises:
          DataError: the quotes do not match, or there are more or fewer cells; without a place.
        """
        try:
            cells = self.format.split(line)
        except ValueError as error:
            remedy = 'write a quote as "" inside "…"'
            raise DataError(Problem(str(error), found=shown(line), remedy=remedy)) from None
        if not self.format.with_header and self._names_columns(cells):
            raise DataError(_header(line))
        if len(cells) != len(self.columns):
            raise DataError(self._wrong_count(line, len(cells)))
        return cells

    def problems(self, line: bytes, file: str) -> list[Problem]:
        """Returns what is wrong with a row of a file, without its place; nothing of a good one."""
        try:
            cells = self.cells(line)
        except DataError as error:
            return list(error.problems)
        pairs = [pair for pair in zip(self.columns, cells, strict=True) if pair[0]]
        bad = [field.problem(cell) for field, cell in pairs if field and not field.accepts(cell)]
        return bad or [
            self.folders.problem(file, field.name, cell)
            for field, cell in pairs
            if field in self.folders.fields and field.parse(cell) != self.folders.value(file, field)
        ]

    def values(self, line: bytes, file: str) -> dict[str, Any]:
        """Returns field name → value of a good row of a file."""
        pairs = zip(self.columns, self.cells(line), strict=True)
        values = {field.name: field.parse(cell) for field, cell in pairs if field}
        return values | {
            field.name: self.folders.value(file, field) for field in self.folders.fields
        }

    def _names_columns(self, cells: Sequence[bytes]) -> bool:
        """Returns whether most of several cells are the names of fields."""
        names = {field.name.encode() for field in self.columns if field}
        given = sum(cell.strip() in names for cell in cells)
        return given > max(1, len(cells) // 2)

    def _wrong_count(self, line: bytes, found: int) -> Problem:
        source = "the header" if self.format.with_header else "data_config.input_fields"
        named = (
            ""
            if self.format.with_header
            else (
                "; a file of some of the columns needs a header and data_config.with_header: true"
            )
        )
        return Problem(
            message=f"the row has {found} columns instead of {len(self.columns)}",
            expected=f"{len(self.columns)} columns, as in {source}",
            found=f"{found} columns: {shown(line)}",
            remedy=f"make {source} and the file agree; the separator is "
            + shown(self.format.separator)
            + named,
        )


def _header(line: bytes) -> Problem:
    return Problem(
        message="the row holds names of columns, but data_config.with_header is false",
        expected="a row of values",
        found=shown(line),
        remedy="set data_config.with_header: true; the columns are then found by these names",
    )


def csv_columns(
    format: CsvFormat,
    files: Sequence[str],
    fields: Sequence[InputField],
    wanted: Collection[InputField],
) -> CsvColumns:
    """Returns the columns of `files`: by their header, else in the order of `fields`.

    Fields that folders hold need not be in the files. Without a header, their rows then have as
    many cells as there are other fields.

    Raises:
      DataError: a header lacks a wanted field, the files' headers differ, or folders do not hold
        the values of fields.
    """
    folders = partitions(files, fields, wanted)
    if not format.with_header:
        if folders.keys and _first_width(format, files) == len(fields) - len(folders.keys):
            fields = [field for field in fields if field.name not in folders.keys]
        columns = tuple(field if field in wanted else None for field in fields)
        return CsvColumns(format, columns, folders)
    headers = {file: format.header(file) for file in files}
    first = headers[files[0]]
    problems = [
        Problem(
            message=f"the header lacks the column {field.name!r}",
            place=Place(files[0], 1),
            path=field.name,
            found=", ".join(first),
            nearest=nearest(field.name, first),
            remedy="rename the column in the file, or the field in data_config.input_fields",
        )
        for field in wanted
        if field.name not in first and field not in folders.fields
    ]
    problems += [
        Problem(
            message="the header differs from that of " + files[0],
            place=Place(file, 1),
            expected=", ".join(first),
            found=", ".join(names),
            remedy="write all files with the same columns in the same order",
        )
        for file, names in headers.items()
        if names != first
    ]
    if problems:
        raise DataError(problems)
    by_name = {field.name: field for field in wanted}
    return CsvColumns(format, tuple(by_name.get(name) for name in first), folders)


def _first_width(format: CsvFormat, files: Sequence[str]) -> int:
    """Returns the number of cells of the first row; 0 where it cannot be cut, or there is none."""
    first = next((line for file in files for _, line in format.rows(file, 0)), None)
    try:
        return len(format.split(first)) if first is not None else 0
    except ValueError:
        return 0


class PlainCsvReader:
    """Reads CSV files without TensorFlow; see `PlainReader`."""

    def __init__(self, pipeline: Pipeline):
        self._format = csv_format(pipeline)
        self._fields = input_fields(pipeline)

    def notes(self, files: Sequence[str]) -> list[Problem]:
        """Returns nothing: a file has all columns, or `sample` fails."""
        return []

    def sample(self, files: Sequence[str], count: int) -> Iterator[SampledRow]:
        """Yields the first `count` rows.

        Raises:
          DataError: a file cannot be read at all, or lacks a column.
        """
        columns = csv_columns(self._format, files, self._fields, self._fields)
        rows = ((file, number, line) for file in files for number, line in columns.rows(file))
        for file, number, line in islice(rows, count):
            place = Place(file, number)
            found = columns.problems(line, file)
            yield SampledRow(
                place,
                [dataclasses.replace(problem, place=place) for problem in found],
                {} if found else columns.values(line, file),
            )

    def text(self, files: Sequence[str], fields: Sequence[InputField]) -> Iterator[pa.Table]:
        """Yields parts of the files as tables of text, a column a field.

        Raises:
          DataError: a file cannot be read, lacks a column, or has rows that cannot be cut; the
            first of those together.
        """
        columns = csv_columns(self._format, files, self._fields, fields)
        for file in files:
            rows = columns.rows(file)
            while part := list(islice(rows, ROWS_AT_ONCE)):
                yield _table(columns, file, part, fields)


def plain_reader(pipeline: Pipeline) -> PlainCsvReader:
    """Returns what reads the files of a config without TensorFlow."""
    return PlainCsvReader(pipeline)


def _cells(
    columns: CsvColumns, file: str, rows: Sequence[Sequence[bytes]], field: InputField
) -> list[bytes]:
    """Returns the text of a field in some rows, given by their cells."""
    if field not in columns.columns:
        return [columns.folders.text(file, field.name)] * len(rows)
    at = columns.columns.index(field)
    return [row[at] for row in rows]


def _table(
    columns: CsvColumns,
    file: str,
    rows: Sequence[tuple[int, bytes]],
    fields: Sequence[InputField],
) -> pa.Table:
    """Returns the cells of some fields of (line number, line) pairs, as text."""
    import pyarrow as pa

    cut: list[list[bytes]] = []
    problems: list[Problem] = []
    for number, line in rows:
        try:
            cut.append(columns.cells(line))
        except DataError as error:
            place = Place(file, number)
            problems += [dataclasses.replace(each, place=place) for each in error.problems]
    if problems:
        raise DataError(problems[:MAX_PROBLEMS])
    found = {}
    for field in fields:
        cells = pa.array(_cells(columns, file, cut, field), pa.binary())
        try:
            found[field.name] = cells.cast(pa.string())
        except pa.ArrowInvalid as error:
            raise DataError(
                Problem(f"the column is not UTF-8 text: {error}", Place(file), field.name)
            ) from None
    return pa.table(found)
