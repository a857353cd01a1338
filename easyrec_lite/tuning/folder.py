"""The files of a study, and what of its trials stays on the disk.

study.json       what is searched, and by which metric
study.config     the config of all trials, edits of the command line included
study.journal    the trials: Optuna's storage
trials/N/        edits.json, train.log, and the model folder `model` of trial N
best.config      the config with the settings of the best trial
study.html       the page
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from easyrec_lite.config import Pipeline, load
from easyrec_lite.config.differences import differences
from easyrec_lite.config.save import save
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, DataError, Place, Problem
from easyrec_lite.core.files import atomic_write, damaged, remove_folder, remove_leftovers
from easyrec_lite.training.checkpoint_files import STATE_FILE, checkpoint_paths, remove_checkpoint

DESCRIPTION, CONFIG, JOURNAL = "study.json", "study.config", "study.journal"
BEST, PAGE = "best.config", "study.html"
TRIALS, MODEL, LOG, EDITS = "trials", "model", "train.log", "edits.json"
EXPORT = "export"


class StudyFolder:
    """The folder of a study.

    Args:
      path: the folder.
    """

    def __init__(self, path: Path):
        self.path = path
        self.config, self.journal = path / CONFIG, path / JOURNAL
        self.best, self.page = path / BEST, path / PAGE

    def trial(self, number: int) -> Path:
        """Returns the folder of a trial."""
        return self.path / TRIALS / str(number)

    def model(self, number: int) -> Path:
        """Returns the model folder of a trial."""
        return self.trial(number) / MODEL

    def log(self, number: int) -> Path:
        """Returns what a trial printed."""
        return self.trial(number) / LOG

    def begin_or_continue(self, pipeline: Pipeline, description: Mapping[str, Any]) -> bool:
        """Describes a new study, or compares with the one that is there.

        Args:
          pipeline: the config of all trials.
          description: what else must not change: the space, the metric, the seed.

        Returns:
          Whether the study is continued.

        Raises:
          ConfigError: the folder holds another study, or something else.
          DataError: a file of the study is damaged.
        """
        fs.make_folder(self.path)
        remove_leftovers(self.path, below=False)
        if not fs.exists(self.path / DESCRIPTION):
            self._begin(pipeline, description)
            return False
        problems = [*self._changes(description), *self._config_changes(pipeline)]
        if problems:
            raise ConfigError(problems)
        return True

    def _begin(self, pipeline: Pipeline, description: Mapping[str, Any]) -> None:
        own = {CONFIG, "run.lock"}
        others = [name for name in fs.names(self.path) if name not in own]
        if others:
            raise ConfigError(
                Problem(
                    "the folder is not empty, and is not the folder of a study",
                    Place(str(self.path)),
                    found=", ".join(others[:5]),
                    remedy="give another --study_dir",
                )
            )
        save(pipeline, self.config)
        content = json.dumps(dict(description), indent=1, ensure_ascii=False)
        atomic_write(self.path / DESCRIPTION, content + "\n")

    def _changes(self, description: Mapping[str, Any]) -> Iterator[Problem]:
        path = self.path / DESCRIPTION
        try:
            before = _flat(json.loads(fs.read_text(path)))
        except (ValueError, AttributeError) as error:
            raise DataError(damaged(path, error, "give another --study_dir")) from error
        now = _flat(description)
        for key in dict.fromkeys([*before, *now]):
            old, new = before.get(key, "nothing"), now.get(key, "nothing")
            if old != new:
                yield _changed(path, key, old, new)

    def _config_changes(self, pipeline: Pipeline) -> Iterator[Problem]:
        for each in differences(load(self.config).config, pipeline.config):
            yield _changed(self.config, each.path, each.before, each.after)

    def keep(self, kept: Collection[int], ended: Collection[int]) -> None:
        """Removes the checkpoints and exports of the trials that ended, but for those to keep."""
        for number in set(ended) - set(kept):
            model = self.model(number)
            for prefix in checkpoint_paths(model):
                remove_checkpoint(prefix)
            fs.remove_file(model / STATE_FILE, missing_ok=True)
            if fs.is_dir(model / EXPORT):
                remove_folder(model / EXPORT)


def _changed(path: Path, key: str, before: str, now: str) -> Problem:
    return Problem(
        "the study in this folder has another value: its trials cannot be compared with new ones",
        Place(str(path)),
        key,
        expected=before,
        found=now,
        remedy="undo the change, or give another --study_dir",
    )


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key} ")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat
