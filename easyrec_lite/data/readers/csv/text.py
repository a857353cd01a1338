"""What the lines of a CSV file mean, in plain Python: the definition of a good row.

The reader parses with TensorFlow's ops, which hold to the same rules; this module splits headers,
checks the first rows before training, and says what is wrong with a row that failed.
"""

from __future__ import annotations

import dataclasses
import gzip
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING

from easyrec_lite.checks.view import enum_name
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, DataError, Place, Problem, nearest
from easyrec_lite.data.fields import Field, shown
from easyrec_lite.data.paths import BROKEN, BYTE_ORDER_MARK, broken, is_gzip

if TYPE_CHECKING:
    from easyrec_lite.config import Pipeline


@contextmanager
def unpacked(file: str) -> Iterator[IO[bytes]]:
    """Opens a file for reading; a gzip-compressed one is unpacked as it is read."""
    with fs.open_binary(file) as stream:
        if is_gzip(file):
            with gzip.open(stream) as plain:
                yield plain  # type: ignore[misc]
        else:
            yield stream


def file_lines(file: str) -> Iterator[bytes]:
    """Yields the lines of a file without line ends; carriage returns are dropped everywhere.

    Raises:
      DataError: the file cannot be read to its end.
    """
    try:
        with unpacked(file) as stream:
            for line in stream:
                text = line.rstrip(b"\n").replace(b"\r", b"")
                if text or line.endswith(b"\n"):
                    yield text
    except BROKEN as error:
        raise DataError(broken(file, error)) from None


@dataclass(frozen=True)
class CsvFormat:
    """How a line is cut into cells.

    Attributes:
      separator: one byte.
      quoted: whether double quotes may enclose a cell, as `tf.io.decode_csv` understands them.
      with_header: whether the first line of each file names its columns.
    """

    separator: bytes = b","
    quoted: bool = True
    with_header: bool = False

    def split(self, line: bytes) -> list[bytes]:
        """Returns the cells of a line.

        Raises:
          ValueError: the quotes do not match.
        """
        if not self.quoted or b'"' not in line:
            return line.split(self.separator)
        cells, start = [], 0
        while True:
            cell, end = self._cell(line, start)
            cells.append(cell)
            if end == len(line):
                return cells
            start = end + 1

    def _cell(self, line: bytes, start: int) -> tuple[bytes, int]:
        """Returns the cell that begins at `start`, and where it ends."""
        if line[start : start + 1] != b'"':
            end = line.find(self.separator, start)
            end = len(line) if end < 0 else end
            cell = line[start:end]
            if b'"' in cell:
                raise ValueError(f"a quote inside the unquoted cell {shown(cell)}")
            return cell, end
        parts, begin = [], start + 1
        while True:
            close = line.find(b'"', begin)
            if close < 0:
                raise ValueError("a quoted cell is not closed on its line")
            parts.append(line[begin:close])
            if line[close + 1 : close + 2] != b'"':
                break
            begin = close + 2
        cell = b'"'.join(parts)
        if line[close + 1 : close + 2] not in (b"", self.separator):
            raise ValueError(f"text after the closing quote of {shown(cell)}")
        return cell, close + 1

    def header(self, file: str) -> tuple[str, ...]:
        """Returns the column names in the first line of `file`.

        Raises:
          DataError: there is no first line, or it is not UTF-8, or a name comes twice.
        """
        line = next(file_lines(file), b"").removeprefix(BYTE_ORDER_MARK)
        if not line:
            raise DataError(Problem("the header line is missing", Place(file, 1)))
        try:
            names = tuple(cell.decode().strip() for cell in self.split(line))
        except ValueError as error:
            raise DataError(
                Problem(f"the header line is broken: {error}", Place(file, 1))
            ) from None
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            message = f"the header names {', '.join(twice)} more than once"
            raise DataError(Problem(message, Place(file, 1)))
        return names

    def rows(self, file: str) -> Iterator[tuple[int, bytes]]:
        """Yields (line number, line) of each row; blank lines are no rows."""
        for number, line in enumerate(file_lines(file), 1):
            row = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
            if row and not (self.with_header and number == 1):
                yield number, row


def csv_format(pipeline: Pipeline) -> CsvFormat:
    """Returns the format that `data_config` asks for.

    Raises:
      ConfigError: the separator is not one byte.
    """
    data = pipeline.config.data_config
    quoted = enum_name(data, "input_type") != "CSVInputEx"
    separator = _unescaped(data.separator)
    if len(separator) != 1 or separator in b'"\r\n':
        raise ConfigError(
            Problem(
                message="the separator must be one byte, other than a quote or a line end",
                place=pipeline.place("data_config.separator"),
                path="data_config.separator",
                found=repr(data.separator),
                remedy=r"use a separator such as ',', '\t' or '\001', also in the files",
            )
        )
    return CsvFormat(separator, quoted, data.with_header)


def _unescaped(text: str) -> bytes:
    """Returns the bytes of a separator; escapes that a config doubly escaped are resolved."""
    if "\\" not in text or text == "\\":
        return text.encode()
    try:
        return text.encode("latin-1").decode("unicode_escape").encode("latin-1")
    except UnicodeError:
        return text.encode()


@dataclass(frozen=True)
class Layout:
    """Which field stands in which column of the files.

    Attributes:
      format: how lines are cut into cells.
      columns: for each column its field, or None when nobody asked for it.
    """

    format: CsvFormat
    columns: tuple[Field | None, ...]

    def problems(self, line: bytes) -> list[Problem]:
        """Returns what is wrong with a row, without its place; nothing when it is good."""
        try:
            cells = self.format.split(line)
        except ValueError as error:
            return [Problem(str(error), found=shown(line), remedy='write a quote as "" inside "…"')]
        if len(cells) != len(self.columns):
            return [self._wrong_count(line, len(cells))]
        pairs = zip(self.columns, cells, strict=True)
        return [field.problem(cell) for field, cell in pairs if field and not _good(field, cell)]

    def values(self, line: bytes) -> dict[str, object]:
        """Returns field name → value of a good row."""
        pairs = zip(self.columns, self.format.split(line), strict=True)
        return {field.name: field.parse(cell) for field, cell in pairs if field}

    def _wrong_count(self, line: bytes, found: int) -> Problem:
        source = "the header" if self.format.with_header else "data_config.input_fields"
        return Problem(
            message=f"the row has {found} columns instead of {len(self.columns)}",
            expected=f"{len(self.columns)} columns, as in {source}",
            found=f"{found} columns: {shown(line)}",
            remedy=f"make {source} and the file agree; the separator is "
            + shown(self.format.separator),
        )


def _good(field: Field, cell: bytes) -> bool:
    try:
        field.parse(cell)
    except ValueError:
        return False
    return True


def layout(
    format: CsvFormat, files: Sequence[str], fields: Sequence[Field], wanted: Collection[Field]
) -> Layout:
    """Returns the layout of `files`: by header, else the order of `fields`.

    Raises:
      DataError: a header lacks a wanted field, or the files' headers differ.
    """
    if not format.with_header:
        return Layout(format, tuple(field if field in wanted else None for field in fields))
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
        if field.name not in first
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
    return Layout(format, tuple(by_name.get(name) for name in first))


def sample(
    layout: Layout, files: Sequence[str], count: int
) -> Iterator[tuple[list[Problem], dict[str, object]]]:
    """Yields (problems, values) of the first `count` rows; a row with problems has no values."""
    rows = ((file, number, line) for file in files for number, line in layout.format.rows(file))
    for file, number, line in islice(rows, count):
        found = layout.problems(line)
        placed = [dataclasses.replace(problem, place=Place(file, number)) for problem in found]
        yield placed, {} if found else layout.values(line)
