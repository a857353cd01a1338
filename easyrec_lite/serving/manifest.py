"""The manifest of an export: its parts, their inputs and outputs, and checksums."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError, Place, Problem
from easyrec_lite.core.files import atomic_write
from easyrec_lite.serving.checksums import fingerprints

MANIFEST = "manifest.json"


def exports(root: Path) -> list[Path]:
    """Returns the complete exports below `root`, the oldest step first."""
    complete = (folder for folder in fs.paths(root) if fs.exists(folder / MANIFEST))
    folders = [folder for folder in complete if folder.name.isdigit()]
    return sorted(folders, key=lambda path: int(path.name))


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Writes the manifest of `folder`, with the fingerprints of all files in it."""
    files = {name: known for name, known in fingerprints(folder).items() if name != MANIFEST}
    rewrite_manifest(folder, {**content, "files": files})


def rewrite_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Replaces the manifest of `folder` atomically."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    atomic_write(folder / MANIFEST, text + "\n")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Returns the manifest of an export.

    Raises:
      DataError: it does not exist, or is not a manifest.
    """
    path = folder / MANIFEST
    remedy = "export the model again: python -m easyrec_lite.export --config …"
    try:
        content = json.loads(fs.read_text(path))
    except FileNotFoundError:
        problem = Problem("an export has a manifest, which is missing", Place(str(path)))
        raise DataError(problem) from None
    except ValueError as error:
        problem = Problem(f"the manifest is damaged: {error}", Place(str(path)), remedy=remedy)
        raise DataError(problem) from error
    if not isinstance(content, dict) or not {"models", "files"} <= content.keys():
        raise DataError(
            Problem(
                "the manifest is damaged or of another version",
                Place(str(path)),
                expected="a JSON object with models and files",
                remedy=remedy,
            )
        )
    return content
