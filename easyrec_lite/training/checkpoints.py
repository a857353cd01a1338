"""Checkpoints: all state of a run by variable name; the newest few are kept, broken ones skipped.

A checkpoint is TensorFlow's own format, `model.ckpt-STEP`, readable by `tf.train.load_checkpoint`.
It is written under another name and renamed, its index last. TensorFlow keeps a checksum of each
tensor. The file `checkpoint` names the newest one for `tf.train.latest_checkpoint`; nothing here
reads it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tensorflow as tf

from easyrec_lite.checks.fingerprint import (
    changed_meaning,
    changed_order,
    fingerprint,
)
from easyrec_lite.config import Pipeline
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Place, Problem, RunError, nearest, plain_words
from easyrec_lite.core.files import atomic_write, folder_aside
from easyrec_lite.training.checkpoint_files import (
    PREFIX,
    STATE_FILE,
    checkpoint_at,
    checkpoint_paths,
    put_in_place,
    remove_checkpoint,
)
from easyrec_lite.training.checkpoint_reading import (
    FINGERPRINT,
    UNREADABLE,
    stored_fingerprint,
    unreadable,
    variable_shapes,
)

# What TensorFlow raises when another process is gone.
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
                put_in_place(aside, Path(prefix))
        except (OSError, tf.errors.OpError) as error:
            if isinstance(error, GONE) and "/job:ps" in str(error):
                raise
            raise RunError(_unwritable(prefix, error, self.paths())) from error
        self._write_state()
        if self._keep:
            for old in self.paths()[: -self._keep]:
                remove_checkpoint(old)
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
        """Restores the newest readable checkpoint; broken ones are skipped with a warning.

        Returns:
          Its prefix, or None when the folder holds none.

        Raises:
          ConfigError: the checkpoint belongs to another model than the config's.
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
                self._warn_of_order(prefix)
                return prefix
        if paths:
            raise RunError(
                Problem(
                    f"none of the {len(paths)} checkpoints can be read",
                    Place(str(self.folder)),
                    remedy="move them away to start afresh, or restore a copy",
                )
            )
        return None

    def restore(self, prefix: str) -> None:
        """Restores all variables from the checkpoint `prefix`.

        Raises:
          ConfigError: it belongs to another model than the config's; lists the differences.
          RunError: it is broken or missing.
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
            raise RunError(unreadable(prefix, error)) from error

    def _compare(self, prefix: str) -> None:
        """Refuses a checkpoint whose weights have another meaning under this config."""
        stored = stored_fingerprint(prefix)
        if stored and self._pipeline and self._fingerprint:
            refuse_changed(changed_meaning(stored, self._fingerprint, prefix), self._pipeline)

    def _warn_of_order(self, prefix: str) -> None:
        stored = stored_fingerprint(prefix)
        if stored and self._fingerprint:
            for line in changed_order(stored, self._fingerprint):
                log.warning("%s", line)


def refuse_changed(problems: Sequence[Problem], pipeline: Pipeline) -> None:
    """Refuses a changed meaning, or logs it if the config accepts it.

    Raises:
      ConfigError: there are problems, and `accept_changed_config` is not set.
    """
    placed = [replace(problem, place=Place(pipeline.file)) for problem in problems]
    if placed and not pipeline.config.train_config.accept_changed_config:
        raise ConfigError(placed)
    for problem in placed:
        log.warning("accepted: %s: %s → %s", problem.message, problem.expected, problem.found)


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


def _unwritable(prefix: str, error: Exception, left: list[str]) -> Problem:
    kept = f"the newest good checkpoint is {left[-1]}" if left else "no checkpoint was written yet"
    return Problem(
        "the checkpoint cannot be written",
        Place(prefix),
        found=plain_words(error),
        remedy=f"make room or permit writing, then start the same command again; {kept}",
    )
