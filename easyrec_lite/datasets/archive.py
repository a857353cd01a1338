"""The files of a downloaded data set, in its folder or in the zip as it was downloaded."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePath

import pyarrow as pa
from pyarrow import csv

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.core.files import missing


class Archive:
    """A folder, or a zip of one. Files are found by name, at any depth, also as `.gz`.

    Args:
      path: the folder or the zip.

    Raises:
      DataError: it does not exist, or it is neither.
    """

    def __init__(self, path: Path):
        self.path = path
        if fs.is_dir(path):
            names = [str(file) for file in fs.paths_below(path) if fs.is_file(file)]
        elif fs.is_file(path) and _is_zip(path):
            with fs.open_binary(path) as file, zipfile.ZipFile(file) as archive:
                names = archive.namelist()
        elif not fs.exists(path):
            raise DataError(missing(str(path)))
        else:
            raise DataError(Problem("neither a folder nor a zip", Place(str(path))))
        self._names = {PurePath(name).name.removesuffix(".gz"): name for name in names}

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def read(self, name: str) -> bytes:
        """Returns the content of the file `name`, unpacked.

        Raises:
          DataError: there is no such file, or it is damaged.
        """
        if name not in self._names:
            place, remedy = Place(str(self.path)), "give the folder or zip as it was downloaded"
            raise DataError(Problem(f"there is no file {name} in it", place, remedy=remedy))
        full = self._names[name]
        try:
            if fs.is_dir(self.path):
                content = fs.read_bytes(full)
            else:
                with fs.open_binary(self.path) as file, zipfile.ZipFile(file) as archive:
                    content = archive.read(full)
            return gzip.decompress(content) if full.endswith(".gz") else content
        except (OSError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(Problem(f"cannot be read: {error}", Place(full))) from error

    def table(
        self, name: str, separator: str, columns: Sequence[str], encoding: str = "utf-8"
    ) -> pa.Table:
        """Returns the file `name`, which has no header, as text columns.

        Args:
          name: the file.
          separator: one character or more between the cells.
          columns: a name for each cell of a line.
          encoding: of the file.

        Raises:
          DataError: it does not exist, or lines have another number of cells; all of those.
        """
        content = self.read(name).decode(encoding, errors="replace").replace(separator, "\t")
        if not content.strip():
            raise DataError(Problem("the file is empty", Place(self._names[name])))
        torn: list[csv.InvalidRow] = []

        def skip(row: csv.InvalidRow) -> str:
            torn.append(row)
            return "skip"

        parse = csv.ParseOptions(delimiter="\t", quote_char=False, invalid_row_handler=skip)
        table = csv.read_csv(
            pa.py_buffer(content.encode()),
            csv.ReadOptions(use_threads=False, column_names=list(columns)),
            parse,
            csv.ConvertOptions(column_types={column: pa.string() for column in columns}),
        )
        if torn:
            raise DataError([self._torn(name, row, separator) for row in torn[:20]])
        return table.combine_chunks()

    def _torn(self, name: str, row: csv.InvalidRow, separator: str) -> Problem:
        return Problem(
            "wrong number of cells",
            Place(self._names[name], row.number),
            expected=f"{row.expected_columns} cells separated by {separator!r}",
            found=f"{row.actual_columns}: {row.text[:200]!r}",
        )


def _is_zip(path: Path) -> bool:
    with fs.open_binary(path) as file:
        return zipfile.is_zipfile(file)
