"""Reads some columns of downloaded tables, in parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError, Place, Problem, nearest
from easyrec_lite.core.files import missing

BLOCK = 16 * 2**20


def read_chunks(path: Path, columns: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Yields parts of a comma-separated file; empty cells and `NULL` are null.

    Args:
      path: the file, compressed if its name ends in `.gz`; its header names its columns.
      columns: the columns to read, and their types.

    Raises:
      DataError: the file is missing or empty, lacks columns, or has a cell of another type.
    """
    if not fs.is_file(path):
        raise DataError(missing(str(path)))
    names = _header(path, columns)
    read = csv.ReadOptions(use_threads=False, column_names=names, skip_rows=1, block_size=BLOCK)
    convert = csv.ConvertOptions(include_columns=list(columns), column_types=dict(columns))
    try:
        with fs.open_unpacked(path) as stream:
            yield from csv.open_csv(stream, read, convert_options=convert)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(Problem(f"cannot be read: {error}", Place(str(path)))) from error


def read_table(path: Path, columns: Mapping[str, pa.DataType]) -> pa.Table:
    """Returns a whole file; see `read_chunks`.

    Raises:
      DataError: as `read_chunks`, or it has no row.
    """
    table = pa.Table.from_batches(read_chunks(path, columns), pa.schema(list(columns.items())))
    if table.num_rows == 0:
        raise DataError(Problem("the file has a header and no row", Place(str(path), 1)))
    return table.combine_chunks()


def _header(path: Path, wanted: Mapping[str, pa.DataType]) -> list[str]:
    with fs.open_unpacked(path) as stream:
        start = stream.read(65536)
    line = start.split(b"\n", 1)[0].decode("utf-8-sig", errors="replace")
    names = [name.strip() for name in line.split(",")]
    problems = [
        Problem(
            f"the header lacks the column {name!r}",
            Place(str(path), 1),
            name,
            found=line.strip()[:200],
            nearest=nearest(name, names),
            remedy="give the file as it was downloaded",
        )
        for name in wanted
        if name not in names
    ]
    if problems:
        raise DataError(problems)
    return names
