"""Reads the files of a model folder that a report shows; any of them may be missing."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from easyrec_lite.config import Pipeline
from easyrec_lite.config.save import CONFIG_FILE
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, DataError
from easyrec_lite.core.files import damaged
from easyrec_lite.evaluation.feature_weights import FILE as WEIGHTS
from easyrec_lite.evaluation.ranking.report import read_ranking
from easyrec_lite.serving.folders import find_saved_model
from easyrec_lite.serving.manifest import read_manifest
from easyrec_lite.training.checkpoint_files import checkpoint_paths, step_of
from easyrec_lite.training.history import RESULT_FILE, EvaluationHistory, EvaluationRecord
from easyrec_lite.training.log import FILE as LOG
from easyrec_lite.training.log import read_log


class ModelFolder:
    """The files of a model folder, each read on first access.

    Args:
      path: the folder.
      pipeline: its config.

    Raises:
      DataError: a property's file is damaged.
    """

    def __init__(self, path: Path, pipeline: Pipeline):
        self.path = path
        self.pipeline = pipeline

    @property
    def config_path(self) -> Path:
        """The path of the run's config."""
        return self.path / CONFIG_FILE

    @cached_property
    def step(self) -> int | None:
        """The step of the newest checkpoint; None when there is none."""
        prefixes = checkpoint_paths(self.path)
        return step_of(prefixes[-1]) if prefixes else None

    @cached_property
    def log(self) -> list[dict[str, Any]]:
        """The lines of the training log."""
        return list(read_log(self.path / LOG))

    @cached_property
    def evaluations(self) -> list[EvaluationRecord]:
        """The evaluations during training, by step."""
        return EvaluationHistory(self.path).read()

    @cached_property
    def result(self) -> dict[str, Any]:
        """The metrics of the last evaluation, with its `global_step`; empty without one."""
        return self._json(RESULT_FILE) or {}

    @cached_property
    def ranking(self) -> dict[str, Any] | None:
        """The full ranking; None without one."""
        return read_ranking(self.path)

    @cached_property
    def weights(self) -> dict[str, Any] | None:
        """The weights that layers multiply features by; None when there are none."""
        return self._json(WEIGHTS)

    @cached_property
    def export(self) -> Path | None:
        """The export that `recommend` would use; None without one."""
        try:
            return find_saved_model(self.path).parent
        except ConfigError:
            return None

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest of that export; empty without one."""
        return read_manifest(self.export) if self.export else {}

    def _json(self, name: str) -> dict[str, Any] | None:
        path = self.path / name
        if not fs.exists(path):
            return None
        try:
            return dict(json.loads(fs.read_text(path)))
        except (ValueError, TypeError) as error:
            remedy = "evaluate again, or remove the file"
            raise DataError(damaged(path, error, remedy)) from error
