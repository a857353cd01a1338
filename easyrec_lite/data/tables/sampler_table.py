"""Reads the tab-separated tables of samplers: a header with types, then an entry a line."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from easyrec_lite.checks.columns import InputField
from easyrec_lite.checks.encoding import UTF8
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.data.readers.encoding import decoded_lines, undecodable
from easyrec_lite.data.readers.input_files import expand, repeated_columns

LONGEST_LINE = 1 << 20
MAX_PROBLEMS = 20
HEADER_LINES = 1
TYPES = ("int", "int32", "int64", "float", "double", "string")
REMEDY = "make the table with `python -m easyrec_lite.make_item_table`, or correct the path"
WEIGHT = InputField("weight", "DOUBLE", 0.0)
TYPE = "(:(" + "|".join(TYPES) + "))?"
HEADER_CELL = re.compile(r"[A-Za-z_]\w*" + TYPE)
NAMED_CELL = re.compile(r"(.+?)" + TYPE)


class SamplerTable:
    """The cells of a table as text, and the problems that were reported of them.

    Attributes:
      columns: for each column an array of M strings, in the order of the files.
    """

    def __init__(self, files: Mapping[str, pa.Table]):
        tables = list(files.values())
        whole = pa.concat_tables(tables).combine_chunks()
        self.columns = [_joined(column) for column in whole.columns]
        self._files = list(files)
        self._starts = np.cumsum([0, *map(len, tables)])
        self._problems: list[Problem] = []
        self._wrong: dict[str, np.ndarray] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self.columns[0])

    def place(self, entry: int) -> Place:
        """Returns the file and line of an entry."""
        file = int(np.searchsorted(self._starts, entry, side="right")) - 1
        return Place(self._files[file], entry - int(self._starts[file]) + HEADER_LINES + 1)

    def wrong(self, column: str) -> np.ndarray:
        """Returns for which entries a problem of this column was reported, bool [M]."""
        return self._wrong.get(column, np.zeros(len(self), bool))

    def report(
        self,
        wrong: np.ndarray,
        column: str,
        describe: Callable[[int], str],
        expected: str,
        remedy: str = "",
    ) -> None:
        """Notes a problem for each entry where `wrong` is true.

        Args:
          wrong: bool [M].
          column: the name of the bad column.
          describe: number of an entry → what it contains.
          expected: what is right.
          remedy: what to do.
        """
        entries = np.flatnonzero(wrong)
        self._count += len(entries)
        self._wrong[column] = self.wrong(column) | wrong
        for entry in entries[:MAX_PROBLEMS].tolist():
            message = f"bad {column}"
            place, found = self.place(entry), describe(entry)
            self._problems.append(Problem(message, place, column, expected, found, remedy=remedy))

    def raise_problems(self) -> None:
        """Raises the problems that were noted, at most `MAX_PROBLEMS`, in the order of the file.

        Raises:
          DataError: there are any.
        """
        if not self._problems:
            return
        shown = sorted(self._problems, key=lambda problem: problem.place)[:MAX_PROBLEMS]
        if self._count > len(shown):
            rest = self._count - len(shown)
            end = replace(shown[-1].place, column=1)
            shown.append(Problem(f"and {rest} more problems in this table", end))
        raise DataError(shown)

    def values(self, cells: pa.Array, field: InputField) -> np.ndarray:
        """Returns cells as an array [M] of the field's type (text as object); notes bad ones.

        An empty cell has the field's default.
        """
        if field.type == "STRING":
            assert isinstance(field.default, bytes)
            filled = pc.if_else(pc.equal(cells, ""), field.default.decode(), cells)
            return filled.to_numpy(zero_copy_only=False)
        try:
            numbers = cells.cast(pa.type_for_alias(field.kind.dtype))
            values = numbers.to_numpy(zero_copy_only=False)
            if np.isfinite(values).all():
                return values
        except pa.ArrowInvalid:
            pass
        return self._parse_each(cells, field)

    def _parse_each(self, cells: pa.Array, field: InputField) -> np.ndarray:
        values = np.zeros(len(cells), field.kind.dtype)
        wrong = np.zeros(len(cells), np.bool_)
        for entry, text in enumerate(cells.to_pylist()):
            try:
                values[entry] = field.parse(text.encode())
            except ValueError:
                wrong[entry] = True
        self.report(
            wrong, field.name, lambda entry: repr(cells[entry].as_py()), field.kind.expected
        )
        return values

    def weights(self, column: int) -> np.ndarray:
        """Returns a column as float64 [M]; notes entries that are not finite and ≥ 0."""
        cells = self.columns[column]
        values = self.values(cells, WEIGHT)
        self.report(
            values < 0, "weight", lambda entry: repr(cells[entry].as_py()), "a finite number ≥ 0"
        )
        return values

    def ids(self, column: int, name: str, integers: bool) -> np.ndarray:
        """Returns a column as text, object [M]; notes empty entries.

        Args:
          column: its number.
          name: its name.
          integers: whether its entries are integers, so that `007` equals `7`.
        """
        cells = self.columns[column]
        wrong = pc.equal(cells, "").to_numpy(zero_copy_only=False)
        self.report(wrong, name, lambda _: "an empty cell", f"a value for {name}")
        if not integers:
            return cells.to_numpy(zero_copy_only=False)
        ids = self.values(cells, InputField(name, "INT64", 0)).astype(str).astype(object)
        bad = self.wrong(name)
        ids[bad] = cells.to_numpy(zero_copy_only=False)[bad]
        return ids


def header_names(path: str | Path, encoding: str = UTF8) -> list[str]:
    """Returns the names in the header of the first file of a table, without their types.

    None where the file is no text in its encoding.

    Raises:
      DataError: a file is missing or unreadable.
    """
    file = _files(str(path))[0]
    codec = "utf-8-sig" if encoding == UTF8 else encoding
    try:
        with (
            fs.open_unpacked(file) as stream,
            io.TextIOWrapper(stream, codec, errors="replace", newline="\n") as text,
        ):
            return _names(text.readline(LONGEST_LINE))
    except UnicodeError:  # reading the table says what is wrong
        return []
    except OSError as error:
        raise DataError(Problem(f"cannot be read: {error}", Place(file))) from error


def read_sampler_table(
    path: str | Path, expected: Sequence[str], encoding: str = UTF8, named: bool = False
) -> SamplerTable:
    """Reads files whose headers read like `id:int64⇥weight:float⇥feature:string` as one table.

    Args:
      path: files, globs and folders, separated by commas; compressed when a name ends in `.gz`.
      expected: the names of the columns, for messages; only their number must agree.
      encoding: the codec of the files.
      named: whether the names must agree too.

    Raises:
      DataError: a file is missing, unreadable, empty, has no such header, or has lines with
        another number of columns; or no file has an entry.
    """
    tables = {}
    for file in _files(str(path)):
        data = _read(Path(file), encoding)
        start = data.slice(0, min(data.size, LONGEST_LINE)).to_pybytes()
        if named:
            _check_names(Path(file), start, expected)
        else:
            _check_header(Path(file), start, expected)
        tables[file] = _parse(Path(file), data, expected)
    if not any(map(len, tables.values())):
        message = "this table has a header and no entry"
        raise DataError(Problem(message, Place(str(path), 1), remedy="add entries"))
    return SamplerTable(tables)


def _files(path: str) -> list[str]:
    try:
        return expand(path)
    except DataError as error:
        raise DataError(replace(problem, remedy=REMEDY) for problem in error.problems) from None


def _read(path: Path, encoding: str) -> pa.Buffer:
    """Returns the text of a file, in UTF-8."""
    try:
        with fs.open_unpacked(path) as stream:
            data = stream.read_buffer()
    except OSError as error:
        raise DataError(Problem(f"cannot be read: {error}", Place(str(path)))) from error
    try:
        if encoding == UTF8:
            _check_text(data)
            return data
        return pa.py_buffer(b"".join(decoded_lines(io.BytesIO(data.to_pybytes()), encoding)))
    except (pa.ArrowInvalid, UnicodeError) as error:
        content = io.BytesIO(data.to_pybytes())
        raise DataError(undecodable(str(path), content, encoding)) from error


def _check_text(data: pa.Buffer) -> None:
    """Checks that the bytes are UTF-8, without decoding them.

    Raises:
      pa.ArrowInvalid: they are not.
    """
    ends = pa.py_buffer(np.array([0, data.size], np.int64))
    pa.LargeStringArray.from_buffers(1, ends, data).validate(full=True)


def _names(header: str) -> list[str]:
    cells = [NAMED_CELL.fullmatch(cell) for cell in header.rstrip("\r\n").split("\t")]
    return [cell.group(1) if cell else "" for cell in cells]


def _check_names(path: Path, start: bytes, expected: Sequence[str]) -> None:
    names = _names(start.split(b"\n", 1)[0].decode("utf-8-sig", errors="replace"))
    if names != list(expected):
        raise DataError(
            Problem(
                "the header differs from that of the table's first file",
                Place(str(path), 1),
                expected=", ".join(expected),
                found=", ".join(names),
                remedy="write all files with the same columns in the same order",
            )
        )


def _check_header(path: Path, start: bytes, expected: Sequence[str]) -> None:
    header = start.split(b"\n", 1)[0].decode("utf-8-sig", errors="replace").rstrip("\r")
    cells = header.split("\t")
    if len(cells) == len(expected) and all(HEADER_CELL.fullmatch(cell) for cell in cells):
        repeated = repeated_columns([cell.split(":")[0] for cell in cells], Place(str(path), 1))
        if repeated:
            raise DataError(repeated)
        return
    example = {"weight": "float", "feature": "string"}
    line = "\\t".join(f"{name}:{example.get(name, 'int64')}" for name in expected)
    raise DataError(
        Problem(
            "this table has no header" if start.strip() else "this table is empty",
            Place(str(path), 1),
            expected=f"{line}, tab-separated, each type one of {', '.join(TYPES)}",
            found=repr(header[:200]),
            remedy="write the header as the first line",
        )
    )


def _parse(path: Path, data: pa.Buffer, expected: Sequence[str]) -> pa.Table:
    torn: list[csv.InvalidRow] = []

    def skip(row: csv.InvalidRow) -> str:
        torn.append(row)
        return "skip"

    names = list(expected)
    try:
        table = csv.read_csv(
            data,
            csv.ReadOptions(
                use_threads=False, column_names=names, skip_rows=1, block_size=LONGEST_LINE
            ),
            csv.ParseOptions(
                delimiter="\t", quote_char=False, ignore_empty_lines=False, invalid_row_handler=skip
            ),
            csv.ConvertOptions(column_types={name: pa.string() for name in names}),
        ).combine_chunks()
    except pa.ArrowInvalid as error:
        raise DataError(_unparsed(path, data, error)) from error
    if torn:
        raise DataError([_torn(path, row) for row in torn[:MAX_PROBLEMS]])
    return table


def _joined(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks != 1 else column.chunk(0)


def _unparsed(path: Path, data: pa.Buffer, error: Exception) -> Problem:
    for number, line in enumerate(data.to_pybytes().split(b"\n"), 1):
        if len(line) >= LONGEST_LINE:
            return Problem(
                "a line is too long",
                Place(str(path), number),
                expected=f"less than {LONGEST_LINE >> 20} MB",
                found=f"{len(line):,} bytes",
                remedy="an item has an id, a weight and some short attributes",
            )
    return Problem(f"cannot be read as UTF-8 table: {error}", Place(str(path)))


def _torn(path: Path, row: csv.InvalidRow) -> Problem:
    return Problem(
        "wrong number of columns",
        Place(str(path), row.number),
        expected=f"{row.expected_columns} columns separated by tabs",
        found=f"{row.actual_columns}: {row.text[:200]!r}",
        remedy="separate the columns by one tab each; no tab inside a cell",
    )
