"""Writes an export: the functions that the model offers, and a manifest that describes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from easyrec_lite import __version__
from easyrec_lite.config.save import CONFIG_FILE, save
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.core.files import atomic_folder
from easyrec_lite.models.assembly import Parts
from easyrec_lite.serving.index import IndexTuning
from easyrec_lite.serving.item_export import add_index, add_items, items_to_export
from easyrec_lite.serving.manifest import write_manifest
from easyrec_lite.serving.saved_model import SIGNATURE, save_model
from easyrec_lite.serving.signatures import COUNTED, ServedFunction


@dataclass(frozen=True)
class ExportOptions:
    """What an export contains beside the functions that the model offers.

    Attributes:
      item_path: an item table; '' for the config's own table, if it has one.
      index: how to tune an approximate index of the item vectors; None for no index.
    """

    item_path: str = ""
    index: IndexTuning | None = None


def export_models(
    parts: Parts, root: Path, step: int, options: ExportOptions | None = None
) -> Path:
    """Writes `root/STEP/NAME` for each of the model's signatures, a manifest and the config.

    Of a retrieval model with an item table, also `recommender`, `item_vectors.{parquet,npy}`,
    `item_ids.npy` and, if asked for, `item_index.faiss`. Everything is written to a temporary
    folder, which is renamed at the end; an export of the same step is replaced.

    Returns:
      The folder `root/STEP`.

    Raises:
      ConfigError: an asset file of the config does not exist; the model has another task than
        retrieval and is to export items; or an index is asked for without items or without faiss.
      DataError: the item table or the index's queries cannot be read.
      RunError: an item vector is not finite, or the export cannot be written.
    """
    options = options or ExportOptions()
    assets = _assets(parts)
    items = items_to_export(parts, options.item_path, index=options.index is not None)
    target = root / str(step)
    with atomic_folder(target, overwrite=True) as folder:
        manifest: dict[str, Any] = {
            **_versions(),
            "model_class": parts.pipeline.config.model_config.model_class,
            "step": step,
            "models": {},
        }
        for name, offered in parts.model.signatures().items():
            served = ServedFunction(parts, offered)
            signatures = {SIGNATURE: served.signature, COUNTED: served.counted}
            manifest["models"][name] = save_model(served, folder / name, signatures, served.columns)
        for asset in assets:
            extra = folder / "scorer" / "assets.extra"
            fs.make_folder(extra)
            fs.copy_file(asset, extra / asset.name)
        save(parts.pipeline, folder / CONFIG_FILE)
        if items is not None:
            add_items(parts, items, folder, manifest)
        if options.index is not None:
            add_index(parts.pipeline, options.index, folder, manifest)
        write_manifest(folder, manifest)
    return target


def _versions() -> dict[str, str]:
    return {
        "easyrec_lite": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def _assets(parts: Parts) -> list[Path]:
    pipeline = parts.pipeline
    paths = [Path(name) for name in pipeline.config.export_config.asset_files]
    problems = [
        Problem(
            "no such asset file",
            pipeline.place(f"export_config.asset_files[{index}]"),
            path=f"export_config.asset_files[{index}]",
            found=str(path),
            remedy="correct the path, or remove the entry",
        )
        for index, path in enumerate(paths)
        if not fs.is_file(path)
    ]
    if problems:
        raise ConfigError(problems)
    return paths
