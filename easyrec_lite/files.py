"""Outputs that are never half there: written aside, then renamed into place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from easyrec_lite.errors import ConfigError, Place, Problem


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Gives a path to write to; it becomes `path` when the block ends without an error.

    Parent folders are made. After an error nothing is left, and an older `path` stays as it was.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(target)
    try:
        yield aside
        _sync(aside)
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def atomic_write(path: str | Path, content: str | bytes) -> None:
    """Writes `content` (text as UTF-8) to `path`, whole or not at all."""
    with atomic_file(path) as aside:
        aside.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


@contextmanager
def atomic_folder(path: str | Path, overwrite: bool = False) -> Iterator[Path]:
    """Gives an empty folder to fill; it becomes `path` when the block ends without an error.

    Args:
      path: where the folder is to be.
      overwrite: replace what is there; otherwise only an empty folder may be.

    Raises:
      ConfigError: `path` exists, is not empty, and `overwrite` is false.
    """
    target = Path(path)
    if target.exists() and not overwrite and (target.is_file() or any(target.iterdir())):
        raise ConfigError(
            Problem(
                "the output folder exists and is not empty",
                Place(str(target)),
                remedy="give another folder, or allow to overwrite it",
            )
        )
    aside = _aside(target)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        _put_in_place(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _put_in_place(aside: Path, target: Path) -> None:
    if not target.exists():
        os.replace(aside, target)
        return
    old = target.with_name(f".{target.name}.old-{os.getpid()}")
    os.replace(target, old)
    os.replace(aside, target)
    shutil.rmtree(old) if old.is_dir() else old.unlink()


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.tmp-{os.getpid()}")


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
