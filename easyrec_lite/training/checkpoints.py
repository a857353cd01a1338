"""Checkpoints: all state of a run by variable name, the newest few kept, broken ones passed over.

A checkpoint is TensorFlow's own format, `model.ckpt-STEP`, readable by `tf.train.load_checkpoint`.
It is written aside and renamed, its index last; TensorFlow keeps a checksum of each tensor.
The file `checkpoint` names the newest one for `tf.train.latest_checkpoint`; nothing here reads it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tensorflow as tf

from easyrec_lite.checks.fingerprint import (
    Fingerprint,
    changed_meaning,
    changed_order,
    fingerprint,
)
from easyrec_lite.config import Pipeline
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Place, Problem, RunError, nearest, plain_words
from easyrec_lite.core.files import atomic_write, folder_aside, sync

PREFIX = "model.ckpt"
STATE_FILE = "checkpoint"
_ATTRIBUTE = "/.ATTRIBUTES/VARIABLE_VALUE"
_ROOT = "variables/"
# The key of the config's fingerprint, and all keys that hold no variable.
FINGERPRINT = "fingerprint"
BOOKKEEPING = {FINGERPRINT + _ATTRIBUTE, "save_counter" + _ATTRIBUTE}
# What TensorFlow raises of a checkpoint that is damaged, by where the damage is.
UNREADABLE = (tf.errors.OpError, OSError, ValueError, IndexError, RuntimeError)
# What TensorFlow raises where another process is not there.
GONE = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)
log = logging.getLogger(__name__)


class Checkpoints:
    """The checkpoints of one folder.

    Args:
      folder: the folder; created by the first `save`.
      variables: name → variable, all state of a run.
      keep: how many of the newest to keep; 0 keeps all.
      own: variables that checkpoints of other kinds of runs lack: saved like the others, restored
        if the checkpoint has them in the same shape.
      pipeline: the config, whose fingerprint is saved, and compared when restoring.
      files: the files of training data, for the fingerprint.
    """

    def __init__(
        self,
        folder: Path,
        variables: Mapping[str, tf.Variable],
        keep: int = 10,
        own: Mapping[str, tf.Variable] | None = None,
        pipeline: Pipeline | None = None,
        files: Sequence[str] = (),
    ):
        self.folder = folder
        self._variables = dict(variables)
        self._own = dict(own or {})
        self._pipeline = pipeline
        self._fingerprint = fingerprint(pipeline, files) if pipeline else None
        state: dict[str, Any] = {"variables": {**self._variables, **self._own}}
        if self._fingerprint:
            state[FINGERPRINT] = tf.Variable(self._fingerprint.text(), trainable=False)
        self._checkpoint = tf.train.Checkpoint(**state)
        self._keep = keep

    def paths(self) -> list[str]:
        """Returns the prefixes of all complete checkpoints, oldest first."""
        return checkpoint_paths(self.folder)

    def save(self, step: int) -> str:
        """Writes all variables, and removes the oldest checkpoints beyond `keep`.

        Returns:
          The checkpoint's prefix.

        Raises:
          RunError: it cannot be written (disk full, folder read-only); older ones are kept.
          tf.errors.OpError: a parameter server that writes its part is gone.
        """
        prefix = checkpoint_at(self.folder, step)
        try:
            with folder_aside(prefix) as aside:
                self._checkpoint.write(str(aside / Path(prefix).name))
                _put_in_place(aside, Path(prefix))
        except (OSError, tf.errors.OpError) as error:
            if isinstance(error, GONE) and "/job:ps" in str(error):
                raise
            raise RunError(_unwritable(prefix, error, self.paths())) from error
        self._write_state()
        if self._keep:
            for old in self.paths()[: -self._keep]:
                _remove(old)
        return prefix

    def remove_partial(self) -> None:
        """Removes the data of incomplete checkpoints, which a killed run left.

        Raises:
          RunError: the folder cannot be written to.
        """
        for part in fs.paths(self.folder, f"{PREFIX}-*.data-*"):
            prefix = part.name.rsplit(".data-", 1)[0]
            if not fs.exists(part.with_name(f"{prefix}.index")):
                fs.remove_file(part)
        if self.paths():
            self._write_state()

    def _write_state(self) -> None:
        """Writes the file by which `tf.train.latest_checkpoint` finds the newest checkpoint."""
        names = [Path(prefix).name for prefix in self.paths()[-self._keep :]]
        lines = [f'model_checkpoint_path: "{names[-1]}"']
        lines += [f'all_model_checkpoint_paths: "{name}"' for name in names]
        atomic_write(self.folder / STATE_FILE, "\n".join(lines) + "\n")

    def restore_newest(self) -> str | None:
        """Restores the newest readable checkpoint; a broken one is passed over, and said so.

        Returns:
          Its prefix, or None when the folder holds none.

        Raises:
          ConfigError: the checkpoint is of another model than the config's.
          RunError: there are checkpoints, but none can be read.
        """
        paths = self.paths()
        for prefix in reversed(paths):
            try:
                self.restore(prefix)
            except RunError as error:
                log.warning("%s", error)
                log.warning("falling back to the checkpoint before %s", prefix)
            else:
                self._tell_order(prefix)
                return prefix
        if paths:
            raise RunError(
                Problem(
                    f"none of the {len(paths)} checkpoints can be read",
                    Place(str(self.folder)),
                    remedy="move them away to start afresh, or bring back a copy",
                )
            )
        return None

    def restore(self, prefix: str) -> None:
        """Restores all variables from the checkpoint `prefix`.

        Raises:
          ConfigError: it is of another model than the config's; names what differs.
          RunError: it is broken or not there.
        """
        shapes = variable_shapes(prefix)
        problems = _differences(prefix, shapes, self._variables)
        if problems:
            raise ConfigError(problems)
        self._compare(prefix)
        own = {name: v for name, v in self._own.items() if shapes.get(name) == tuple(v.shape)}
        checkpoint = tf.train.Checkpoint(variables={**self._variables, **own})
        try:
            checkpoint.read(prefix).assert_existing_objects_matched()
        except UNREADABLE as error:
            raise RunError(_broken(prefix, error)) from error

    def _compare(self, prefix: str) -> None:
        """Refuses a checkpoint whose weights mean something else under this config."""
        stored = stored_fingerprint(prefix)
        if stored and self._pipeline and self._fingerprint:
            refuse_changed(changed_meaning(stored, self._fingerprint, prefix), self._pipeline)

    def _tell_order(self, prefix: str) -> None:
        stored = stored_fingerprint(prefix)
        if stored and self._fingerprint:
            for line in changed_order(stored, self._fingerprint):
                log.warning("%s", line)


def stored_fingerprint(prefix: str) -> Fingerprint | None:
    """Returns the fingerprint in checkpoint `prefix`; None where there is none, as in others'.

    Raises:
      RunError: the checkpoint cannot be read.
    """
    try:
        reader = tf.train.load_checkpoint(prefix)
        if not reader.has_tensor(FINGERPRINT + _ATTRIBUTE):
            return None
        text = reader.get_tensor(FINGERPRINT + _ATTRIBUTE)
    except UNREADABLE as error:
        raise RunError(_broken(prefix, error)) from error
    return Fingerprint.of_text(text.decode())


def refuse_changed(problems: Sequence[Problem], pipeline: Pipeline) -> None:
    """Raises the problems of changed meaning, unless the config accepts them: then they are logged.

    Raises:
      ConfigError: there are such problems, and `accept_changed_config` is not set.
    """
    placed = [replace(problem, place=Place(pipeline.file)) for problem in problems]
    if placed and not pipeline.config.train_config.accept_changed_config:
        raise ConfigError(placed)
    for problem in placed:
        log.warning("accepted: %s: %s → %s", problem.message, problem.expected, problem.found)


def checkpoint_paths(folder: Path) -> list[str]:
    """Returns the prefixes of the complete checkpoints in `folder`, by step, oldest first."""
    found = {}
    for index in fs.paths(folder, f"{PREFIX}-*.index"):
        match = re.fullmatch(rf"{re.escape(PREFIX)}-(\d+)\.index", index.name)
        if match:
            found[int(match[1])] = str(index.with_suffix(""))
    return [found[step] for step in sorted(found)]


def checkpoint_at(folder: Path, step: int) -> str:
    """Returns the prefix of the checkpoint at a training step."""
    return str(folder / f"{PREFIX}-{step}")


def step_of(prefix: str) -> int:
    """Returns the training step in a checkpoint's name."""
    return int(prefix.rsplit("-", 1)[1])


def find_checkpoint(path: str | Path) -> str:
    """Returns the checkpoint that `path` means: a prefix, or a folder's newest.

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
    newest = tf.train.latest_checkpoint(str(folder))
    return [newest] if newest else []


def variable_shapes(prefix: str) -> dict[str, tuple[int, ...]]:
    """Returns variable name → shape of the checkpoint `prefix`, ours or another's.

    Raises:
      RunError: it cannot be read.
    """
    try:
        listed = tf.train.list_variables(prefix)
    except UNREADABLE as error:
        raise RunError(_broken(prefix, error)) from error
    shapes = {_plain(name): tuple(shape) for name, shape in listed}
    return {name: shape for name, shape in shapes.items() if name}


def read_variables(prefix: str, names: list[str]) -> dict[str, tf.Tensor]:
    """Returns the values of the named variables of checkpoint `prefix`.

    Raises:
      RunError: it cannot be read.
    """
    try:
        reader = tf.train.load_checkpoint(prefix)
        keys = {_plain(key): key for key in reader.get_variable_to_shape_map()}
        return {name: reader.get_tensor(keys[name]) for name in names}
    except UNREADABLE as error:
        raise RunError(_broken(prefix, error)) from error


def _plain(key: str) -> str:
    """The variable's name behind a key of TensorFlow's object graph; '' for bookkeeping."""
    if key.startswith("_CHECKPOINTABLE") or key in BOOKKEEPING:
        return ""
    name = key.removesuffix(_ATTRIBUTE)
    if name == key:
        return name
    return re.sub(r"\.([S.])", _unescape, name.removeprefix(_ROOT))


def _unescape(match: re.Match[str]) -> str:
    return "/" if match[1] == "S" else "."


def _differences(
    prefix: str, stored: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tf.Variable]
) -> list[Problem]:
    remedy = "use another model_dir, undo the change of the config, or set fine_tune_checkpoint"
    problems = []
    for name, variable in wanted.items():
        shape = tuple(variable.shape)
        if name not in stored:
            problems.append(
                Problem(
                    f"the checkpoint lacks variable {name!r}",
                    Place(prefix),
                    expected=f"shape {shape}",
                    nearest=nearest(name, stored),
                    remedy=remedy,
                )
            )
        elif stored[name] != shape:
            problems.append(
                Problem(
                    f"variable {name!r} has another shape in the checkpoint",
                    Place(prefix),
                    expected=f"{shape}, as the config asks",
                    found=str(stored[name]),
                    remedy=remedy,
                )
            )
    return problems


def _broken(prefix: str, error: Exception) -> Problem:
    return Problem(
        "the checkpoint cannot be read",
        Place(prefix),
        found=plain_words(error),
        remedy="it is damaged or incomplete; use an older one",
    )


def _unwritable(prefix: str, error: Exception, left: list[str]) -> Problem:
    kept = f"the newest good checkpoint is {left[-1]}" if left else "no checkpoint was written yet"
    return Problem(
        "the checkpoint cannot be written",
        Place(prefix),
        found=plain_words(error),
        remedy=f"make room or permit writing, then start the same command again; {kept}",
    )


def _remove(prefix: str) -> None:
    path = Path(prefix)
    for part in (
        path.with_name(path.name + ".index"),
        *fs.paths(path.parent, f"{path.name}.data-*"),
    ):
        fs.remove_file(part, missing_ok=True)


def _put_in_place(aside: Path, prefix: Path) -> None:
    """Moves a checkpoint's files to where they belong; without its index it does not count."""
    index = prefix.with_name(f"{prefix.name}.index")
    files = sorted(fs.paths(aside), key=lambda path: path.name == index.name)
    for file in files:
        sync(file)
    fs.remove_file(index, missing_ok=True)
    for file in files:
        fs.rename(file, prefix.with_name(file.name))
        fs.sync_folder(prefix.parent)
