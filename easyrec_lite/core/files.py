"""Outputs that are written completely or not at all: under another name, which is then changed."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core import processes
from easyrec_lite.core.errors import ConfigError, Place, Problem, RunError, nearest

if TYPE_CHECKING:
    import numpy as np

# What is written aside, moved away for a moment, or about to go: `.NAME.KIND-HOST-PID.START`.
_ASIDE = re.compile(
    r"\.(?P<name>.+)\.(?P<kind>tmp|old|gone)-(?P<host>.+)-(?P<pid>\d+)(\.(?P<start>\d+))?"
)
_DAY = 24 * 3600


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Turns errors in the block into the problem that `path`, file or folder, cannot be written.

    Raises:
      RunError: an `OSError` that names no file, or one at, above or below `path` or its temporary
        name: the disk is full, a folder is read-only or no folder. Other errors pass.
    """
    target = Path(path)
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is not None and not _concerns(Path(os.fsdecode(error.filename)), target):
            raise
        raise RunError(unwritable(target, error)) from error


def unwritable(path: Path, error: OSError) -> Problem:
    """Returns the problem that `path` cannot be written."""
    return Problem(
        "it cannot be written",
        Place(str(path)),
        found=error.strerror or str(error),
        remedy="make room, allow writing or name another place; then start the same command again",
    )


def missing(file: str) -> Problem:
    """Returns the problem that `file` does not exist, with the nearest name that does."""
    folder = Path(file).parent
    while not fs.is_dir(folder) and folder != folder.parent:
        folder = folder.parent
    steps = Path(file).relative_to(folder).parts
    near = nearest(steps[0], fs.names(folder)) if steps else ""
    return Problem(
        message="no such file or folder",
        place=Place(file),
        expected=f"{steps[0] if steps else file} in {folder}",
        nearest=os.path.join(folder, near) if near else "",
        remedy="correct the path; relative paths start at the current folder, " + os.getcwd(),
    )


def damaged(path: Path, error: Exception, remedy: str) -> Problem:
    """Returns the problem that `path` is not as it was written."""
    message = f"the file is damaged: {type(error).__name__}: {error}"
    return Problem(message, Place(str(path)), remedy=remedy)


def _concerns(name: Path, target: Path) -> bool:
    places = (target, _aside(target), _aside(target, "old"))
    below = any(name.is_relative_to(place) for place in places)
    return below or target.is_relative_to(name)


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yields a path to write to, which becomes `path` when the block ends without an error.

    Parent folders are created. After an error nothing is left, and an older `path` is unchanged.

    Raises:
      RunError: it cannot be written.
    """
    target = Path(path)
    aside = _aside(target)
    with writing(target):
        fs.make_folder(target.parent)
        try:
            yield aside
            sync(aside)
            fs.rename(aside, target)
            fs.sync_folder(target.parent)
        finally:
            fs.remove_file(aside, missing_ok=True)


def atomic_write(path: str | Path, content: str | bytes) -> None:
    """Writes `content` (text as UTF-8) to `path`, completely or not at all; see `atomic_file`."""
    with atomic_file(path) as aside:
        fs.write_bytes(aside, content.encode() if isinstance(content, str) else content)


def write_array(path: Path, array: np.ndarray) -> None:
    """Writes a `.npy` file. `np.save` may silently lose its end on a full disk.

    Raises:
      OSError: it cannot be written.
    """
    import numpy as np

    header = np.lib.format.header_data_from_array_1_0(array)
    with fs.open_binary(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {**header, "fortran_order": False})
        file.write(np.ascontiguousarray(array).data)


@contextmanager
def atomic_folder(path: str | Path, overwrite: bool = False) -> Iterator[Path]:
    """Yields an empty folder to fill, which becomes `path` when the block ends without an error.

    Args:
      path: the folder.
      overwrite: whether to replace an existing folder that is not empty.

    Raises:
      ConfigError: `path` exists, is not empty, and `overwrite` is false.
      RunError: it cannot be written.
    """
    target = Path(path)
    if fs.exists(target) and not overwrite and (fs.is_file(target) or fs.names(target)):
        raise ConfigError(
            Problem(
                "the output folder exists and is not empty",
                Place(str(target)),
                remedy="give another folder, or allow to overwrite it",
            )
        )
    with writing(target), folder_aside(target) as aside:
        yield aside
        for file in fs.paths_below(aside):
            if fs.is_file(file):
                sync(file)
        _put_in_place(aside, target)


@contextmanager
def folder_aside(path: str | Path) -> Iterator[Path]:
    """Yields an empty folder beside `path`; one that is left at the end of the block is removed."""
    aside = _aside(Path(path))
    fs.remove_folder(aside, ignore_errors=True)
    fs.make_folder(aside)
    try:
        yield aside
    finally:
        fs.remove_folder(aside, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Removes a folder; nobody sees it half empty."""
    gone = _aside(path, "gone")
    fs.rename(path, gone)
    fs.remove_folder(gone)


def remove_leftovers(folder: Path, below: bool = True) -> None:
    """Removes what killed processes left unfinished in `folder` and, if `below`, below it.

    A folder that was being replaced when its process was killed is restored. What a living process
    of this machine writes is not removed; what another machine wrote only after a day.
    """
    for path, match in _asides(folder, below):
        if not fs.exists(path) or not _abandoned(path, match):
            continue
        target = path.with_name(match["name"])
        if match["kind"] == "old" and not fs.exists(target):
            fs.rename(path, target)
        else:
            fs.remove(path)


def unfinished(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Yields what is unfinished in `folder`, and whether its process may be alive."""
    for path, match in _asides(folder, below=False):
        yield path, not _abandoned(path, match)


def _asides(folder: Path, below: bool) -> Iterator[tuple[Path, re.Match[str]]]:
    for path in sorted(fs.paths_below(folder) if below else fs.paths(folder)):
        match = _ASIDE.fullmatch(path.name)
        if match is not None:
            yield path, match


def _abandoned(path: Path, match: re.Match[str]) -> bool:
    if match["host"] != socket.gethostname():
        return time.time() - fs.stat(path).st_mtime > _DAY
    return not processes.may_live(int(match["pid"]), match["start"] or "")


def _put_in_place(aside: Path, target: Path) -> None:
    old = _aside(target, "old")
    replaced = fs.exists(target)
    if replaced:
        fs.rename(target, old)
    fs.rename(aside, target)
    fs.sync_folder(target.parent)
    if replaced:
        fs.remove(old)


def _aside(target: Path, kind: str = "tmp") -> Path:
    process = f"{socket.gethostname()}-{os.getpid()}.{processes.own_start()}"
    return target.with_name(f".{target.name}.{kind}-{process}")


def sync(path: Path) -> None:
    """Waits until the content of a file is on the disk."""
    with fs.open_binary(path) as file:
        fs.sync(file)
