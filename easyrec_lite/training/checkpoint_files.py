"""The files of checkpoints: their names, which are complete, which is the newest."""

from __future__ import annotations

import re
from pathlib import Path

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Place, Problem, nearest
from easyrec_lite.core.files import sync

PREFIX = "model.ckpt"
# TensorFlow's file with the name of the newest checkpoint.
STATE_FILE = "checkpoint"


def checkpoint_paths(folder: Path) -> list[str]:
    """Returns the prefixes of the complete checkpoints in `folder`, by step, oldest first."""
    prefixes = {}
    for index in fs.paths(folder, f"{PREFIX}-*.index"):
        match = re.fullmatch(rf"{re.escape(PREFIX)}-(\d+)\.index", index.name)
        if match:
            prefixes[int(match[1])] = str(index.with_suffix(""))
    return [prefixes[step] for step in sorted(prefixes)]


def checkpoint_at(folder: Path, step: int) -> str:
    """Returns the prefix of the checkpoint at a training step."""
    return str(folder / f"{PREFIX}-{step}")


def step_of(prefix: str) -> int:
    """Returns the training step in a checkpoint's name."""
    return int(prefix.rsplit("-", 1)[1])


def find_checkpoint(path: str | Path) -> str:
    """Returns the prefix of the checkpoint at `path`: a prefix, or a folder with checkpoints.

    Raises:
      ConfigError: there is none.
    """
    given = Path(path)
    if fs.is_dir(given):
        paths = checkpoint_paths(given) or _state_file(given)
        if paths:
            return paths[-1]
    elif fs.exists(given.with_name(given.name + ".index")):
        return str(given)
    elif given.suffix == ".index" and fs.exists(given):
        return str(given.with_suffix(""))
    around = given if fs.is_dir(given) else given.parent
    names = [entry.name.removesuffix(".index") for entry in fs.paths(around, "*.index")]
    raise ConfigError(
        Problem(
            "no checkpoint",
            Place(str(path)),
            expected="a folder with checkpoints, or a prefix such as model_dir/model.ckpt-1000",
            found="; ".join(sorted(names)) or "no checkpoint there",
            nearest=nearest(given.name, names),
            remedy="train first, or give the path of a checkpoint",
        )
    )


def _state_file(folder: Path) -> list[str]:
    import tensorflow as tf

    newest = tf.train.latest_checkpoint(str(folder))
    return [newest] if newest else []


def remove_checkpoint(prefix: str) -> None:
    """Removes the files of a checkpoint, its index first: without it the rest does not count."""
    path = Path(prefix)
    for part in (
        path.with_name(path.name + ".index"),
        *fs.paths(path.parent, f"{path.name}.data-*"),
    ):
        fs.remove_file(part, missing_ok=True)


def put_in_place(aside: Path, prefix: Path) -> None:
    """Moves the files of a checkpoint into place, the index last: without it they do not count."""
    index = prefix.with_name(f"{prefix.name}.index")
    files = sorted(fs.paths(aside), key=lambda path: path.name == index.name)
    for file in files:
        sync(file)
    fs.remove_file(index, missing_ok=True)
    for file in files:
        fs.rename(file, prefix.with_name(file.name))
        fs.sync_folder(prefix.parent)
