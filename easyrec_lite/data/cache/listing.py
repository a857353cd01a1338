"""What lies in the folders of caches, and the removal of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from easyrec_lite.config import Pipeline
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, DataError, Place, Problem
from easyrec_lite.data.cache import folders
from easyrec_lite.data.cache.folders import CacheEntry
from easyrec_lite.data.readers.input_files import expand


def cache_folder(folder: Path) -> Path:
    """Returns the folder of caches that is meant: the one beside the data in `folder`, or itself.

    Raises:
      ConfigError: there is no such folder.
    """
    if not fs.is_dir(folder):
        raise ConfigError(Problem("no such folder", Place(str(folder))))
    inside = folder / folders.FOLDER
    return inside if fs.is_dir(inside) else folder


def cache_folders(pipeline: Pipeline) -> list[Path]:
    """Returns the folders where runs of a config keep caches."""
    config = pipeline.config
    if config.data_config.cache.folder:
        return [Path(config.data_config.cache.folder)]
    kept = []
    for path in (config.train_input_path, config.eval_input_path):
        try:
            kept.append(Path(expand(path)[0]).absolute().parent / folders.FOLDER)
        except DataError:
            continue
    return kept


def listing(folder: Path, stale: bool) -> Iterator[str]:
    """Yields a line for each cache of a folder, and one for all of them.

    Args:
      folder: a folder of caches.
      stale: list only caches whose data has changed.
    """
    total = 0
    for cache, size in _caches(folder, stale):
        total += size
        yield _line(cache, size)
    for path, alive in folders.building(folder):
        yield f"{path}  {'is being built' if alive else 'abandoned: its process has ended'}"
    yield f"{folder}: {_megabytes(total)}"


def clear(folder: Path, stale: bool) -> str:
    """Removes the caches of a folder and what ended processes left; returns a line about it.

    Args:
      folder: a folder of caches.
      stale: remove only caches whose data has changed.
    """
    total = count = 0
    for cache, size in list(_caches(folder, stale)):
        folders.remove(cache if isinstance(cache, Path) else cache.folder)
        total, count = total + size, count + 1
    folders.sweep(folder)
    return f"{folder}: {count} removed, {_megabytes(total)}"


def _caches(folder: Path, stale: bool) -> Iterator[tuple[CacheEntry | Path, int]]:
    """Yields the caches of a folder, a path for a broken one, with their bytes."""
    for cache in folders.caches(folder):
        if isinstance(cache, CacheEntry):
            if not stale or cache.stale():
                yield cache, cache.bytes
        elif not stale:
            yield cache.folder, sum(fs.size(file) for file in fs.paths(cache.folder))


def _line(cache: CacheEntry | Path, size: int) -> str:
    if isinstance(cache, Path):
        return f"{cache}  broken  {_megabytes(size)}"
    used = time.strftime("%Y-%m-%d %H:%M", time.localtime(cache.used()))
    state = "stale, its data has changed" if cache.stale() else "current"
    first, *others = [str(file[0]) for file in cache.data]
    data = first + (f" and {len(others)} more" if others else "")
    rows = f"{cache.rows:,} rows"
    return f"{cache.folder}  {state}  {rows}  {_megabytes(size)}  used {used}  {data}"


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.1f} MB"
