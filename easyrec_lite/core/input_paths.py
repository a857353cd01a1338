"""Paths that name several files: files, globs and folders, separated by commas."""

from __future__ import annotations

import os

from easyrec_lite.core import filesystem as fs


def path_parts(path: str) -> list[tuple[str, list[str]]]:
    """Returns the parts of a path in order, each with its files: sorted, each file once.

    A folder stands for the regular files in it whose names begin neither with `.` nor with `_`,
    then for those in its folders `key=value`, as Hive and Spark write partitions.
    A part that names no file has none.

    Example:
      >>> path_parts("no/such/file, nor/this")
      [('no/such/file', []), ('nor/this', [])]
    """
    if fs.is_file(path):
        return [(path, [path])]
    parts = [part.strip() for part in path.split(",") if part.strip()]
    return [(part, _files(part)) for part in parts]


def files_of(path: str) -> list[str]:
    """Returns the files of a path, each once."""
    return list(dict.fromkeys(file for _, files in path_parts(path) for file in files))


def _files(part: str) -> list[str]:
    if fs.is_file(part):
        return [part]
    if fs.is_dir(part):
        names = [name for name in fs.names(part) if not _hidden(name)]
        inside = [os.path.join(part, name) for name in names]
        files = [path for path in inside if fs.is_file(path)]
        deeper = [path for path in inside if is_partition(path) and fs.is_dir(path)]
        return files + [file for folder in deeper for file in _files(folder)]
    named = (file for name in fs.glob(part) if not _hidden(name) for file in _files(name))
    return list(dict.fromkeys(named))


def is_partition(folder: str) -> bool:
    """Returns whether a folder is one of a partition, by its name: `key=value`.

    Example:
      >>> is_partition("hive/dt=2024-01-01"), is_partition("hive/dt")
      (True, False)
    """
    key, equals, _ = os.path.basename(folder).partition("=")
    return bool(key and equals)


def _hidden(name: str) -> bool:
    return os.path.basename(name).startswith((".", "_"))
