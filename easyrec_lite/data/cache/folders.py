"""Where caches lie, and which of them are complete, stale, being built, or abandoned.

A cache is a folder that is named by its key. It holds files of plain numbers and a manifest, which
says their types, shapes and checksums. It is built beside its place, under the name that
`easyrec_lite.core.files` gives to what is unfinished, and renamed when it is complete: so that a
process that is killed leaves nothing that looks like a cache.
"""

from __future__ import annotations

import json
import os
import re
import uuid
import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.files import folder_aside, remove_folder, remove_leftovers, unfinished

FOLDER = ".easyrec_cache"
MANIFEST = "easyrec_cache.json"
NAME = re.compile(r"[0-9a-f]{32}")
BLOCK = 1 << 24


class BrokenCache(ValueError):
    """A file of a cache is not what its manifest says.

    Args:
      folder: the cache.
      why: says of which file.
    """

    def __init__(self, folder: Path, why: str):
        super().__init__(why)
        self.folder = folder


@dataclass(frozen=True)
class CacheEntry:
    """A complete cache.

    Attributes:
      folder: where it is.
      manifest: what it holds, and of what it was made.
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def rows(self) -> int:
        """How many rows it holds."""
        return int(self.manifest["rows"])

    @property
    def bytes(self) -> int:
        """Its size on disk."""
        return sum(int(file["bytes"]) for file in self.manifest["files"].values())

    @property
    def data(self) -> list[list[Any]]:
        """The stamps of the data files that it was made from."""
        return list(self.manifest["key"]["files"])

    def stale(self) -> bool:
        """Returns whether its data has changed, so that no run will read it again."""
        return stamps([stamp[0] for stamp in self.data]) != self.data

    def used(self) -> float:
        """Returns when it was last opened, in seconds since 1970."""
        return fs.stat(self.folder / MANIFEST).st_mtime

    def load(self) -> dict[str, np.ndarray]:
        """Returns the arrays of its files by name, mapped into memory; all files are checked.

        Raises:
          BrokenCache: a byte is not as it was written; says of which file.
          OSError: a file cannot be read.
        """
        for name, entry in self.manifest["files"].items():
            file = self.folder / name
            if not fs.is_file(file):
                raise BrokenCache(self.folder, f"{file} is gone")
            if fs.size(file) != entry["bytes"] or checksum(file) != entry["checksum"]:
                raise BrokenCache(self.folder, f"{file} is not as it was written")
        fs.touch(self.folder / MANIFEST)
        return {
            name: fs.mapped_array(self.folder / name, entry["dtype"], tuple(entry["shape"]))
            for name, entry in self.manifest["files"].items()
        }


def checksum(file: Path) -> int:
    """Returns the CRC-32 of a file."""
    total = 0
    with fs.open_binary(file) as stream:
        while block := stream.read(BLOCK):
            total = zlib.crc32(block, total)
    return total


def stamps(files: Sequence[str]) -> list[list[Any]]:
    """Returns (path, size, mtime, ctime) of files; zeros for a missing one."""
    stamped = []
    for file in map(os.path.abspath, files):
        try:
            status = fs.stat(file)
        except OSError:
            stamped.append([file, 0, 0, 0])
            continue
        stamped.append([file, status.st_size, status.st_mtime_ns, status.st_ctime_ns])
    return stamped


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Writes the manifest with its own checksum."""
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    content = json.dumps({"checksum": zlib.crc32(text.encode()), "manifest": manifest}, indent=1)
    fs.write_text(folder / MANIFEST, content)


def read_cache(folder: Path) -> CacheEntry | None:
    """Returns the cache in a folder, or None when there is none.

    Raises:
      BrokenCache: the manifest is not as it was written.
    """
    file = folder / MANIFEST
    try:
        content = json.loads(fs.read_text(file))
        text = json.dumps(content["manifest"], indent=1, ensure_ascii=False)
        whole = content["checksum"] == zlib.crc32(text.encode())
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenCache(folder, f"{file} is not as it was written: {error}") from error
    if not whole:
        raise BrokenCache(folder, f"{file} is not as it was written")
    return CacheEntry(folder, content["manifest"])


def caches(folder: Path) -> Iterator[CacheEntry | BrokenCache]:
    """Yields the caches of a folder by name; `BrokenCache` where the manifest cannot be read."""
    for path in fs.paths(folder):
        if fs.is_dir(path) and NAME.fullmatch(path.name):
            try:
                entry = read_cache(path)
            except BrokenCache as broken:
                yield broken
                continue
            if entry is not None:
                yield entry


def remove(folder: Path) -> None:
    """Removes a cache if it exists and may be removed; a run that has it open can still read it."""
    with suppress(OSError):
        remove_folder(folder)


def begin(folder: Path) -> AbstractContextManager[Path]:
    """Yields a new folder to build in; it is removed at the end of the block unless it was renamed.

    Raises:
      OSError: it cannot be created.
    """
    return folder_aside(folder / f"building-{uuid.uuid4().hex[:8]}")


def building(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Yields the unfinished caches of a folder, and whether their process may be alive."""
    return unfinished(folder)


def sweep(folder: Path) -> None:
    """Removes the unfinished caches whose process has ended."""
    with suppress(OSError):
        remove_leftovers(folder, below=False)


def put_in_place(path: Path, target: Path) -> None:
    """Gives a built cache its name, unless a complete one has it already.

    Raises:
      OSError: it cannot be renamed.
    """
    try:
        fs.rename(path, target)
    except OSError:
        if not fs.is_file(target / MANIFEST):
            raise


def make_room(folder: Path, keep: Path, limit: int) -> None:
    """Removes caches until those of a folder have at most `limit` bytes.

    Stale ones are removed first, then those that have not been opened for the longest time.

    Args:
      folder: where the caches lie.
      keep: the one that is not removed.
      limit: bytes.
    """
    complete = [cache for cache in caches(folder) if isinstance(cache, CacheEntry)]
    total = sum(cache.bytes for cache in complete)
    others = [cache for cache in complete if cache.folder != keep]
    for cache in sorted(others, key=lambda cache: (not cache.stale(), cache.used())):
        if total <= limit:
            return
        remove(cache.folder)
        total -= cache.bytes
