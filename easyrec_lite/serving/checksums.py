"""SHA-256 fingerprints of the files in a folder, and their verification."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError, Place, Problem

CHUNK = 1 << 20


def sha256(path: Path) -> str:
    """Returns the SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with fs.open_binary(path) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def fingerprint(path: Path) -> dict[str, Any]:
    """Returns the size of a file in bytes, and its SHA-256."""
    return {"bytes": fs.size(path), "sha256": sha256(path)}


def fingerprints(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns path from `folder` → `fingerprint` of every file below it, sorted."""
    files = sorted(path for path in fs.paths_below(folder) if fs.is_file(path))
    return {path.relative_to(folder).as_posix(): fingerprint(path) for path in files}


def verify(folder: Path, known: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> None:
    """Checks files of `folder` against their fingerprints.

    Args:
      folder: the folder of the files.
      known: path from `folder` → fingerprint.
      names: files, or folders of files, as paths from `folder`.

    Raises:
      DataError: files are missing, truncated, changed or not listed; all of them at once.
    """
    problems = [problem for name in names for problem in _problems(folder, known, name)]
    if problems:
        raise DataError(problems)


def _problems(folder: Path, known: Mapping[str, Mapping[str, Any]], name: str) -> list[Problem]:
    below = [file for file in known if file == name or file.startswith(f"{name}/")]
    if not below:
        return [_damaged(folder / name, "is not in the manifest", "its checksum there", "none")]
    return [problem for file in below for problem in _problem(folder / file, known[file])]


def _problem(path: Path, expected: Mapping[str, Any]) -> list[Problem]:
    if not fs.is_file(path):
        return [_damaged(path, "is missing", "the file that the manifest lists", "none")]
    size = fs.size(path)
    if size != expected["bytes"]:
        found = f"{size} bytes"
        return [_damaged(path, "is damaged", f"{expected['bytes']} bytes", found)]
    digest = sha256(path)
    if digest != expected["sha256"]:
        return [_damaged(path, "is damaged", f"sha256 {expected['sha256']}", f"sha256 {digest}")]
    return []


def _damaged(path: Path, message: str, expected: str, found: str) -> Problem:
    return Problem(
        f"a file of the export {message}",
        Place(str(path)),
        expected=expected,
        found=found,
        remedy="copy the export again, or export the model again",
    )
