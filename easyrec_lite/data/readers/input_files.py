"""The files that an input path names: files, globs and folders, separated by commas."""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.core.files import missing
from easyrec_lite.core.input_paths import path_parts

GZIP_MAGIC = b"\x1f\x8b"
BROKEN = (OSError, EOFError, zlib.error)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
log = logging.getLogger(__name__)


def expand(path: str) -> list[str]:
    """Returns the files of an input path: its parts in order, the files of each part sorted.

    A file that several parts name is read once, where it comes first; that is logged.

    Raises:
      DataError: the path is empty, or parts of it name no file; all such parts at once.
    """
    parts = path_parts(path)
    if not parts:
        raise DataError(
            Problem(
                message="no input path is given",
                remedy="set train_input_path and eval_input_path in the config",
            )
        )
    problems = []
    for part, named in parts:
        if not named:
            problems.append(_nothing(part))
        problems += [_unreadable(file) for file in named if not fs.readable(file)]
    if problems:
        raise DataError(problems)
    files, repeated = _once(parts)
    for problem in repeated:
        log.warning("%s", problem)
    return files


def repeated_files(path: str) -> list[Problem]:
    """Returns a warning for each part of an input path that names files of an earlier part."""
    return _once(path_parts(path))[1]


def _once(parts: Sequence[tuple[str, list[str]]]) -> tuple[list[str], list[Problem]]:
    """Returns the files of all parts, each once, and a warning for each part that repeats some."""
    files: dict[Path, str] = {}
    problems = []
    for part, named in parts:
        known = [file for file in named if fs.real_path(file) in files]
        if known:
            problems.append(
                Problem(
                    f"{len(known)} of its {len(named)} files are named by an earlier part of the "
                    "input path too: each file is read once",
                    Place(part),
                    found=known[0],
                    remedy="leave the overlapping part out",
                    severity="warning",
                )
            )
        for file in named:
            files.setdefault(fs.real_path(file), file)
    return list(files.values()), problems


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


def repeated_columns(names: Sequence[str], place: Place) -> list[Problem]:
    """Returns a problem for each name that several columns of a file have.

    Args:
      names: of the columns, in their order.
      place: where the file names them.
    """
    columns: dict[str, list[str]] = {}
    for number, name in enumerate(names, 1):
        columns.setdefault(name, []).append(str(number))
    return [
        Problem(
            f"{len(numbers)} columns have the name {name!r}",
            place,
            name,
            expected="columns of different names",
            found="columns " + " and ".join(numbers),
            remedy="rename or remove all but one of them",
        )
        for name, numbers in columns.items()
        if len(numbers) > 1
    ]


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


@contextmanager
def unpacked(file: str) -> Iterator[IO[bytes]]:
    """Opens a file for reading; a gzip-compressed one is unpacked as it is read."""
    with fs.open_binary(file) as stream:
        if is_gzip(file):
            with gzip.open(stream) as plain:
                yield plain  # type: ignore[misc]
        else:
            yield stream
