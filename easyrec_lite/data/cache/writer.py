"""Rows appended to the files of a cache that is being built."""

from __future__ import annotations

import weakref
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.files import write_array
from easyrec_lite.data.cache import folders
from easyrec_lite.data.cache.layout import ENDS, Arrays, Layout

BUFFER = 1 << 24
FREE_BYTES = 1 << 30
INDEX = "index"
NOT_A_ROW, BAD_ROW = -1, -2


class TooLarge(Exception):
    """The cache would pass its limit, or fill the disk."""


class Writer:
    """Appends rows to `.npy` files in a folder of its own, which goes when the process ends.

    Args:
      folder: where the caches lie.
      layout: the files.
      limit: bytes that they may have together.

    Attributes:
      rows: how many were added.

    Raises:
      OSError: the folder or a file cannot be made.
    """

    def __init__(self, folder: Path, layout: Layout, limit: int):
        self.rows = 0
        self._layout = layout
        self._limit = limit
        aside = ExitStack()
        self.path = aside.enter_context(folders.begin(folder))
        self._remove = weakref.finalize(self, aside.close)
        self._pending: dict[str, list[np.ndarray]] = {file: [] for file in layout.files}
        self._lengths = dict.fromkeys(layout.files, 0)
        self._checksums = dict.fromkeys(layout.files, 0)
        self._bytes = self._waiting = 0
        self._ends = {file: 0 for file in layout.files if file.endswith(ENDS)}
        self._heads = {file: self._head(file) for file in layout.files}
        try:
            for file, head in self._heads.items():
                fs.write_bytes(self._file(file), head)
        except OSError:
            self.close()
            raise
        for file in self._ends:
            self._append(file, np.zeros(1, np.int64))

    def add(self, arrays: Arrays, rows: int) -> None:
        """Appends what `Layout.arrays` gave for some rows.

        Raises:
          TooLarge: the limit is passed, or the disk is nearly full.
          OSError: it cannot be written.
        """
        for file, values in arrays.items():
            if file in self._ends:
                values = values + self._ends[file]
                self._ends[file] = int(values[-1])
            self._append(file, values)
        self.rows += rows
        if self._bytes > self._limit:
            raise TooLarge(f"more than max_megabytes: {self._limit >> 20}")
        if self._waiting > BUFFER:
            self._flush()

    def _append(self, file: str, values: np.ndarray) -> None:
        self._pending[file].append(values)
        self._lengths[file] += len(values)
        self._bytes += values.nbytes
        self._waiting += values.nbytes

    def _flush(self) -> None:
        if fs.free_bytes(self.path) < FREE_BYTES:
            raise TooLarge(f"less than {FREE_BYTES >> 20} MB of the disk would stay free")
        for file, parts in self._pending.items():
            with fs.open_binary(self._file(file), "ab") as stream:
                for part in parts:
                    data = np.ascontiguousarray(part).data
                    stream.write(data)
                    self._checksums[file] = zlib.crc32(data, self._checksums[file])
            parts.clear()
        fs.touch(self.path)  # other machines take a folder without a sign of life for left over
        self._waiting = 0

    def index(self, records: int) -> np.ndarray:
        """Returns int64 [records] to fill: each record's row here, `NOT_A_ROW` or `BAD_ROW`.

        Raises:
          OSError: the disk has no room for it.
        """
        if not records:
            return np.zeros(0, np.int64)
        write_array(self._file(INDEX), np.zeros(records, np.int64))
        return np.load(self._file(INDEX), mmap_mode="r+")

    def finish(self, target: Path, manifest: dict[str, Any]) -> None:
        """Completes the files, after the index, and gives the folder its name.

        Args:
          target: the name.
          manifest: what else to write down.

        Raises:
          TooLarge: as `add`.
          OSError: it cannot be written.
        """
        self._flush()
        files = {}
        for file in self._layout.files:
            head = self._head(file)
            with fs.open_binary(self._file(file), "r+b") as stream:
                stream.write(head)
            files[file] = self._entry(file, head, self._checksums[file])
        head_checksum, checksum = folders.checksums(self._file(INDEX), 0)
        files[INDEX] = {"head": 0, "head_checksum": head_checksum, "checksum": checksum}
        for file, entry in files.items():
            entry["bytes"] = fs.size(self._file(file))
        named = {self._file(file).name: entry for file, entry in files.items()}
        said = {**manifest, "rows": self.rows, "columns": self._layout.describe(), "files": named}
        folders.write_manifest(self.path, said)
        folders.put_in_place(self.path, target)
        self.close()

    def close(self) -> None:
        """Removes what is not in its place."""
        self._remove()

    def _entry(self, file: str, head: bytes, checksum: int) -> dict[str, int]:
        return {"head": len(head), "head_checksum": zlib.crc32(head), "checksum": checksum}

    def _head(self, file: str) -> bytes:
        """Returns a `.npy` header; its size does not depend on the number of rows."""
        dtype, inner = self._layout.files[file]
        described = np.lib.format.dtype_to_descr(np.dtype(dtype))
        shape = (self._lengths[file], *inner)
        head = f"{{'descr': {described!r}, 'fortran_order': False, 'shape': {shape!r}, }}"
        magic = np.lib.format.magic(1, 0)
        size = 192 - len(magic) - 2
        return magic + size.to_bytes(2, "little") + head.encode().ljust(size - 1) + b"\n"

    def _file(self, file: str) -> Path:
        return self.path / f"{file}.npy"
