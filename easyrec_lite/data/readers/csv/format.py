"""What the lines of a CSV file are, and how a line is cut into cells: the definition of a CSV row.

Whatever reads rows in Python reads them by this module: headers, the first rows before training,
the rows that items are counted in, and the row that failed. The reader parses batches of rows by
TensorFlow's operations, which follow the same rules; tests compare the two on random lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from easyrec_lite.checks.columns import shown
from easyrec_lite.checks.encoding import UTF8, text_codec
from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.separator import unescaped
from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.data.readers.encoding import decoded_lines, undecodable
from easyrec_lite.data.readers.input_files import (
    BROKEN,
    BYTE_ORDER_MARK,
    broken,
    repeated_columns,
    unpacked,
)

if TYPE_CHECKING:
    from easyrec_lite.config import Pipeline

# The input type whose lines are split at every separator.
UNQUOTED = "CSVInputEx"


def file_lines(file: str, encoding: str = UTF8) -> Iterator[bytes]:
    """Yields the lines of a file without line ends; carriage returns are dropped everywhere.

    Lines in another encoding than UTF-8 are decoded, and yielded in UTF-8.

    Raises:
      DataError: the file cannot be read to its end, or is no text in another encoding.
    """
    try:
        with unpacked(file) as stream:
            for line in stream if encoding == UTF8 else decoded_lines(stream, encoding):
                text = line.rstrip(b"\n").replace(b"\r", b"")
                if text or line.endswith(b"\n"):
                    yield text
    except BROKEN as error:
        raise DataError(broken(file, error)) from None
    except UnicodeError:
        with unpacked(file) as stream:
            raise DataError(undecodable(file, stream, encoding)) from None


@dataclass(frozen=True)
class CsvFormat:
    """How a line is cut into cells.

    Attributes:
      separator: one byte.
      quoted: whether double quotes may enclose a cell, as `tf.io.decode_csv` understands them.
      with_header: whether the first line of each file names its columns.
      encoding: the codec of the files.
    """

    separator: bytes = b","
    quoted: bool = True
    with_header: bool = False
    encoding: str = UTF8

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
          DataError: there is no first line, it is not UTF-8, or a name occurs twice.
        """
        line = next(file_lines(file, self.encoding), b"").removeprefix(BYTE_ORDER_MARK)
        if not line:
            raise DataError(Problem("the header line is missing", Place(file, 1)))
        try:
            names = tuple(cell.decode().strip() for cell in self.split(line))
        except ValueError as error:
            raise DataError(
                Problem(f"the header line is broken: {error}", Place(file, 1))
            ) from None
        repeated = repeated_columns(names, Place(file, 1))
        if repeated:
            raise DataError(repeated)
        return names

    def rows(self, file: str, columns: int) -> Iterator[tuple[int, bytes]]:
        """Yields (line number, line) of each row.

        A blank line is no row, except in a file of one column: there it is an empty cell.
        """
        for number, line in enumerate(file_lines(file, self.encoding), 1):
            row = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
            if (row or columns == 1) and not (self.with_header and number == 1):
                yield number, row


def csv_format(pipeline: Pipeline) -> CsvFormat:
    """Returns the format that `data_config` asks for."""
    data = pipeline.config.data_config
    quoted = enum_name(data, "input_type") != UNQUOTED
    return CsvFormat(unescaped(data.separator), quoted, data.with_header, text_codec(data))
