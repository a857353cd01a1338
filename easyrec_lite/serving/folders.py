"""Folders of exports: the list of them, and the export that a path names."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from easyrec_lite.checks.view import View
from easyrec_lite.config import load
from easyrec_lite.config.save import CONFIG_FILE
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Place, Problem, nearest
from easyrec_lite.core.files import remove_folder
from easyrec_lite.models.base import SCORER
from easyrec_lite.serving.checksums import verify
from easyrec_lite.serving.manifest import MANIFEST, exports, read_manifest
from easyrec_lite.serving.remedies import items_remedy

log = logging.getLogger(__name__)


def keep_newest(root: Path, keep: int) -> None:
    """Removes all but the newest `keep` exports below `root`; 0 keeps all."""
    for old in exports(root)[:-keep] if keep else []:
        remove_folder(old)


def find_saved_model(path: Path, name: str = SCORER) -> Path:
    """Returns the folder of the SavedModel `name` that `path` names.

    `path` is that folder, an export (`…/STEP`), a folder of exports as `--export_dir` names it, or
    a model folder.

    Raises:
      ConfigError: there is no such SavedModel.
    """
    kinds = ("final", "best", "latest")
    roots = [path, *(folder / kind for folder in (path / "export", path) for kind in kinds)]
    below = [path, *(export for root in roots for export in reversed(exports(root)))]
    for folder in [path, *(export / name for export in below)]:
        if fs.is_file(folder / "saved_model.pb"):
            return folder
    for export in below:
        offered = read_manifest(export)["models"] if fs.is_file(export / MANIFEST) else {name: {}}
        if name not in offered:
            raise ConfigError(_not_offered(name, export, list(offered)))
    raise ConfigError(
        Problem(
            "no SavedModel",
            Place(str(path)),
            expected=f"a folder holding saved_model.pb or {name}/saved_model.pb",
            remedy="export the model first: python -m easyrec_lite.export --config …",
        )
    )


def _not_offered(name: str, export: Path, names: list[str]) -> Problem:
    return Problem(
        f"the export has no model {name!r}",
        Place(str(export)),
        expected="one of " + ", ".join(names),
        found=name,
        nearest=nearest(name, names),
    )


def _no_items(export: Path) -> Problem:
    config = export / CONFIG_FILE
    remedy = "export again by python -m easyrec_lite.export with --item_path"
    if fs.is_file(config):
        pipeline, root = load(config), export.parent
        if reason := View(pipeline).not_retrieving:
            return Problem(
                f"this export has no item vectors, as {reason}",
                Place(str(export)),
                expected="an export of a retrieval model whose user tower reads the user alone",
                remedy="score pairs of users and items with its scorer: "
                "python -m easyrec_lite.predict; or train another model",
            )
        own = Path(pipeline.config.model_dir, "export", "final")
        remedy = items_remedy(
            pipeline, config, None if fs.real_path(own) == fs.real_path(root) else root
        )
    return Problem(
        "this export has no item vectors",
        Place(str(export)),
        expected="an export of a config with an item table, or with --item_path",
        remedy=remedy,
    )


def checked_saved_model(path: Path, name: str = SCORER) -> Path:
    """Returns `find_saved_model(path, name)`, its files verified by the export's checksums.

    A SavedModel outside an export has no checksums; a warning is logged.

    Raises:
      ConfigError: there is no such SavedModel.
      DataError: a file of it, or the manifest, is missing or damaged.
    """
    folder = find_saved_model(path, name)
    if fs.is_file(folder.parent / MANIFEST):
        verify(folder.parent, read_manifest(folder.parent)["files"], [folder.name])
    else:
        log.warning("%s: not verified, as there is no %s beside it", folder, MANIFEST)
    return folder


def checked_export(saved_model: Path, files: Iterable[str]) -> tuple[Path, dict[str, Any]]:
    """Returns the folder of an export that has item vectors, and its manifest.

    Args:
      saved_model: an export, or a folder of exports, or a model folder.
      files: what will be read: files, or folders of files, as paths from the export.

    Raises:
      ConfigError: there is no export, or it has no items.
      DataError: one of the files, or the manifest, is missing or damaged.
    """
    folder = find_saved_model(saved_model).parent
    manifest = read_manifest(folder)
    if not manifest.get("items"):
        raise ConfigError(_no_items(folder))
    verify(folder, manifest["files"], files)
    return folder, manifest
