"""Writes an export: the scorer, the user tower, the item tower, and what a caller must know."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import tensorflow as tf

from easyrec_lite import __version__
from easyrec_lite.config import save
from easyrec_lite.errors import ConfigError, Place, Problem
from easyrec_lite.files import atomic_folder
from easyrec_lite.serving.signatures import SERVED, Served
from easyrec_lite.training.build import Parts

MANIFEST = "manifest.json"
CONFIG = "pipeline.config"
SIGNATURE = "serving_default"


def export_models(parts: Parts, root: Path, step: int) -> Path:
    """Writes `root/STEP/{scorer,user_tower,item_tower}`, a manifest and the config.

    All is written aside and renamed into place at the end; an export of the same step is replaced.

    Returns:
      The folder `root/STEP`.

    Raises:
      ConfigError: an asset file of the config does not exist.
    """
    assets = _assets(parts)
    target = root / str(step)
    with atomic_folder(target, overwrite=True) as folder:
        manifest: dict[str, Any] = {
            "easyrec_lite": __version__,
            "tensorflow": tf.__version__,
            "model_class": parts.pipeline.config.model_config.model_class,
            "step": step,
            "models": {},
        }
        for name, make in SERVED.items():
            served = make(parts)
            _save(served, folder / name)
            manifest["models"][name] = describe(served)
        for asset in assets:
            extra = folder / "scorer" / "assets.extra"
            extra.mkdir(exist_ok=True)
            shutil.copy(asset, extra / asset.name)
        save(parts.pipeline, folder / CONFIG)
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return target


def _save(served: Served, folder: Path) -> None:
    tf.saved_model.save(served, str(folder), signatures={SIGNATURE: served.signature})


def describe(served: Served) -> dict[str, Any]:
    """Returns input and output names of a model with their dtypes and shapes (None: any size)."""
    inputs = served.signature.structured_input_signature[1]
    return {
        "inputs": {name: _spec(spec) for name, spec in inputs.items()},
        "outputs": {n: _spec(spec) for n, spec in served.signature.structured_outputs.items()},
    }


def _spec(spec: Any) -> dict[str, Any]:
    return {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}


def _assets(parts: Parts) -> list[Path]:
    pipeline = parts.pipeline
    paths = [Path(name) for name in pipeline.config.export_config.asset_files]
    problems = [
        Problem(
            "no such asset file",
            pipeline.place(f"export_config.asset_files[{index}]"),
            path=f"export_config.asset_files[{index}]",
            found=str(path),
            remedy="correct the path, or drop the entry",
        )
        for index, path in enumerate(paths)
        if not path.is_file()
    ]
    if problems:
        raise ConfigError(problems)
    return paths


def exports(root: Path) -> list[Path]:
    """Returns the complete exports below `root`, oldest step first."""
    found = [path.parent for path in root.glob(f"*/{MANIFEST}") if path.parent.name.isdigit()]
    return sorted(found, key=lambda path: int(path.name))


def keep_newest(root: Path, keep: int) -> None:
    """Removes all but the newest `keep` exports below `root`; 0 keeps all."""
    for old in exports(root)[:-keep] if keep else []:
        shutil.rmtree(old)


def find_saved_model(path: Path, name: str = "scorer") -> Path:
    """Returns the SavedModel folder that `path` means.

    `path` may be that folder, an export (`…/STEP`), a folder of exports, or a model folder.

    Raises:
      ConfigError: there is none.
    """
    below = [path, path / name, *(export / name for export in reversed(exports(path)))]
    for kind in ("final", "best", "latest"):
        below += [export / name for export in reversed(exports(path / "export" / kind))]
    for folder in below:
        if (folder / "saved_model.pb").is_file():
            return folder
    raise ConfigError(
        Problem(
            "no SavedModel",
            Place(str(path)),
            expected=f"a folder holding saved_model.pb or {name}/saved_model.pb",
            remedy="export the model first: python -m easyrec_lite.export --config …",
        )
    )
