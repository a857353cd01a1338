"""A run as `compare` reads it, from the files of its model folder."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from easyrec_lite.config import Pipeline
from easyrec_lite.config.load import load
from easyrec_lite.config.save import CONFIG_FILE
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Place, Problem, ProblemError
from easyrec_lite.core.files import damaged, missing
from easyrec_lite.evaluation.ranking.common import RankedQueries
from easyrec_lite.evaluation.ranking.outcomes import FILE as OUTCOMES
from easyrec_lite.evaluation.ranking.outcomes import read_outcomes
from easyrec_lite.evaluation.ranking.report import FILE as RANKING
from easyrec_lite.evaluation.ranking.report import read_ranking
from easyrec_lite.evaluation.ranking.scorers import MODEL
from easyrec_lite.evaluation.ranking.verdict import PREFIX
from easyrec_lite.training.history import RESULT_FILE, EvaluationHistory


@dataclass(frozen=True)
class ComparedRun:
    """A run with a full ranking.

    Attributes:
      name: what the comparison calls it.
      pipeline: its config.
      ranking: the content of its `ranking.json`.
      queries: the queries of the ranking.
      others: metrics at the step of the ranking, those of the ranking left out.
    """

    name: str
    pipeline: Pipeline
    ranking: Mapping[str, Any]
    queries: RankedQueries
    others: Mapping[str, float]

    @property
    def step(self) -> int:
        """The step of the ranking."""
        return int(self.ranking["step"])

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """The model's metrics: seen rule → name@K → value."""
        rows = self.ranking["rows"]
        return {row["seen"]: row["metrics"] for row in rows if row["scorer"] == MODEL}


def read_runs(folders: Sequence[str]) -> list[ComparedRun]:
    """Returns the runs in some model folders.

    Raises:
      ConfigError: a folder is no run, was not ranked, or is given twice; all problems at once.
    """
    names = _names(folders)
    runs: list[ComparedRun] = []
    problems: list[Problem] = []
    for folder, name in zip(folders, names, strict=True):
        try:
            runs.append(_read(Path(folder), name))
        except ProblemError as error:
            problems += error.problems
    real = [fs.real_path(folder) for folder in folders]
    for at, folder in enumerate(folders):
        if real[at] in real[:at]:
            problems.append(Problem("the run is given twice", Place(folder)))
    if problems:
        raise ConfigError(problems)
    return runs


def _names(folders: Sequence[str]) -> list[str]:
    """Returns the last parts of paths, or the paths themselves if those are not all different."""
    last = [Path(folder).absolute().name for folder in folders]
    return last if len(set(last)) == len(last) else list(folders)


def _read(folder: Path, name: str) -> ComparedRun:
    if not fs.is_dir(folder):
        raise ConfigError(missing(str(folder)))
    config = folder / CONFIG_FILE
    if not fs.is_file(config):
        remedy = "give the model_dir of a run of python -m easyrec_lite.train"
        raise ConfigError(
            Problem(f"no {CONFIG_FILE} in this folder", Place(str(folder)), remedy=remedy)
        )
    ranking = read_ranking(folder)
    if ranking is None:
        raise ConfigError(_unranked(folder, f"the run was not ranked: no {RANKING}"))
    if not fs.is_file(folder / OUTCOMES):
        raise ConfigError(_unranked(folder, f"no {OUTCOMES} beside {RANKING}"))
    step, outcomes = read_outcomes(folder)
    if step != ranking.get("step"):
        found = f"{OUTCOMES} of step {step}, and {RANKING} of step {ranking.get('step')}"
        raise ConfigError(
            _unranked(folder, "the files of the ranking do not belong together", found)
        )
    return ComparedRun(name, load(config), ranking, RankedQueries(outcomes), _others(folder, step))


def _unranked(folder: Path, message: str, found: str = "") -> Problem:
    config = shlex.quote(str(folder / CONFIG_FILE))
    remedy = f"python -m easyrec_lite.evaluate --config {config} --full_ranking"
    return Problem(message, Place(str(folder)), found=found, remedy=remedy)


def _others(folder: Path, step: int) -> dict[str, float]:
    """Returns the metrics of the evaluation at a step, but those of a full ranking."""
    found: Mapping[str, Any] = {}
    path = folder / RESULT_FILE
    if fs.is_file(path):
        try:
            found = dict(json.loads(fs.read_text(path)))
        except (ValueError, TypeError) as error:
            raise ConfigError(damaged(path, error, "evaluate again, or remove the file")) from error
    if found.get("global_step") != step:
        record = EvaluationHistory(folder).at(step)
        found = record.metrics if record else {}
    left_out = (PREFIX, "global_step")
    return {name: value for name, value in found.items() if not name.startswith(left_out)}
