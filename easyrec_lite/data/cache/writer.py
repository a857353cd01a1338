"""Rows appended to the files of a cache that is being built."""

from __future__ import annotations

import weakref
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from easyrec_lite.core import filesystem as fs
from easyrec_lite.data.cache import folders
from easyrec_lite.data.cache.encoding import Entries
from easyrec_lite.data.cache.layout import ENDS, CacheLayout

BUFFER = 1 << 24
FREE_BYTES = 1 << 30
INDEX = "index"
NOT_A_ROW, BAD_ROW = -1, -2


class TooLarge(Exception):
    """The cache would pass its limit, or fill the disk."""


class CacheWriter:
    """Appends rows to files in a new folder, which is removed unless `finish` gives it its name.

    Args:
      folder: where the caches lie.
      layout: the files.
      limit: bytes that they may have together.

    Attributes:
      path: the new folder.
      rows: how many were added.

    Raises:
      OSError: the folder or a file cannot be made.
    """

    def __init__(self, folder: Path, layout: CacheLayout, limit: int):
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
        for file in self._ends:
            self._append(file, np.zeros(1, np.int64))
        try:
            self._flush()
        except (OSError, TooLarge):
            self.close()
            raise

    def add(self, entries: Entries, rows: int) -> None:
        """Appends the entries of some rows.

        Raises:
          TooLarge: the limit is passed, or the disk is nearly full.
          OSError: they cannot be written.
        """
        for file, values in entries.items():
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
            with fs.open_binary(self.path / file, "ab") as stream:
                for part in parts:
                    data = np.ascontiguousarray(part).data
                    stream.write(data)
                    self._checksums[file] = zlib.crc32(data, self._checksums[file])
            parts.clear()
        fs.touch(self.path)  # other machines take a folder that does not change for abandoned
        self._waiting = 0

    def index(self, records: int) -> np.ndarray:
        """Returns int64 [records] to fill: each record's row here, `NOT_A_ROW` or `BAD_ROW`.

        Raises:
          OSError: the disk has no room for it.
        """
        # A map of a file that was not written would end the process on a full disk.
        fs.write_bytes(self.path / INDEX, bytes(8 * records))
        return fs.mapped_array(self.path / INDEX, "int64", (records,), writable=True)

    def finish(self, target: Path, manifest: dict[str, Any]) -> None:
        """Writes what is pending and the manifest, and gives the folder its name.

        The index has been filled.

        Args:
          target: the name.
          manifest: what else to write down.

        Raises:
          TooLarge: as `add`.
          OSError: it cannot be written.
        """
        self._flush()
        files: dict[str, dict[str, Any]] = {
            file: {
                "dtype": dtype,
                "shape": [self._lengths[file], *inner],
                "checksum": self._checksums[file],
            }
            for file, (dtype, inner) in self._layout.files.items()
        }
        files[INDEX] = {
            "dtype": "int64",
            "shape": [fs.size(self.path / INDEX) // 8],
            "checksum": folders.checksum(self.path / INDEX),
        }
        for file, entry in files.items():
            entry["bytes"] = fs.size(self.path / file)
        whole = {
            **manifest,
            "rows": self.rows,
            "columns": self._layout.describe(),
            "files": files,
        }
        folders.write_manifest(self.path, whole)
        folders.put_in_place(self.path, target)
        self.close()

    def close(self) -> None:
        """Removes the folder unless it has been given its name."""
        self._remove()
