"""The files that an input path names: files, globs and folders, separated by commas."""

from __future__ import annotations

import gzip
import os
import zlib

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.core.files import missing

GZIP_MAGIC = b"\x1f\x8b"
BROKEN = (OSError, EOFError, zlib.error)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def expand(path: str) -> list[str]:
    """Returns the files of an input path: its parts in order, the files of each part sorted.

    A folder stands for the regular files in it whose names begin neither with `.` nor with `_`.

    Raises:
      DataError: the path is empty, or parts of it name no file; all such parts at once.
    """
    if fs.is_file(path):
        return [path]
    parts = [part.strip() for part in path.split(",") if part.strip()]
    if not parts:
        raise DataError(
            Problem(
                message="no input path is given",
                remedy="set train_input_path and eval_input_path in the config",
            )
        )
    files: list[str] = []
    problems = []
    for part in parts:
        named = _files(part)
        files += named
        if not named:
            problems.append(_nothing(part))
        problems += [_unreadable(file) for file in named if not fs.readable(file)]
    if problems:
        raise DataError(problems)
    return files


def _files(part: str) -> list[str]:
    if fs.is_file(part):
        return [part]
    if fs.is_dir(part):
        inside = (os.path.join(part, name) for name in fs.names(part))
        return [file for file in inside if fs.is_file(file) and not _hidden(file)]
    return [file for name in fs.glob(part) if not _hidden(name) for file in _files(name)]


def _hidden(name: str) -> bool:
    return os.path.basename(name).startswith((".", "_"))


def _nothing(part: str) -> Problem:
    place = Place(part)
    if "://" in part:
        remedy = "copy the files to a local disk and name them there"
        return Problem("only files on this machine are read", place, remedy=remedy)
    if fs.is_dir(part):
        remedy = "name the files, or a folder that holds them directly"
        return Problem("the folder holds no data files", place, remedy=remedy)
    if fs.is_glob(part):
        return Problem("no file matches this pattern", place, remedy="correct the pattern")
    return missing(part)


def _unreadable(file: str) -> Problem:
    return Problem("no permission to read the file", Place(file), remedy=f"chmod u+r {file}")


def broken(file: str, why: object) -> Problem:
    """Returns the problem that `file` cannot be read to its end."""
    remedy = "copy or write the file again"
    return Problem(f"the file is broken: {why}", Place(file), remedy=remedy)


def stamp(file: str) -> tuple[int, int]:
    """Returns the size and the time of change of a file, by which a change is noticed."""
    status = fs.stat(file)
    return status.st_size, status.st_mtime_ns


def changed(file: str) -> Problem:
    """Returns the problem that `file` has changed since the run opened it."""
    return Problem(
        "the file changed while the run reads it",
        Place(file),
        expected="the same size and time of change as when the run began",
        remedy="write new data to new files; the same command continues from the newest "
        "checkpoint, with the file as it is now",
    )


def check_gzip(file: str) -> None:
    """Unpacks a gzip-compressed file to its end.

    Raises:
      one of `BROKEN`: it is truncated or broken.
    """
    with fs.open_binary(file) as packed, gzip.open(packed) as stream:
        while stream.read(1 << 20):
            pass


def is_gzip(file: str) -> bool:
    """Returns whether the file is gzip-compressed, by its first bytes."""
    with fs.open_binary(file) as stream:
        return stream.read(2) == GZIP_MAGIC
