"""A study from its flags to its result: checks, trials, `best.config`, the page."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from easyrec_lite.checks.check import load_config
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError, Place, Problem
from easyrec_lite.core.locks import exclusive_run
from easyrec_lite.tuning.baseline import own_settings
from easyrec_lite.tuning.checking import check_space
from easyrec_lite.tuning.folder import StudyFolder
from easyrec_lite.tuning.objective import Objective, never_pruned, objective, warnings
from easyrec_lite.tuning.request import Request
from easyrec_lite.tuning.space import Space

SEED = "train_config.seed"
THREADS = ("inter_op_parallelism_threads", "intra_op_parallelism_threads")


def tune(request: Request) -> int:
    """Runs a study, or continues it; returns the exit code.

    Raises:
      ConfigError: the config, the space or the metric is wrong, the folder holds another study,
        or Optuna is not installed; found before any trial.
      DataError: a file of the study is damaged.
      RunError: all trials failed, or another process runs the study.
    """
    pipeline = load_config(request.config, request.edits)
    target = objective(pipeline, request.metric)
    check_space(request.config, request.edits, request.space)
    doubts = warnings(pipeline, target)
    if request.pruner != "none":
        doubts += never_pruned(pipeline)
    for warning in [*pipeline.warnings, *doubts]:
        print(warning, file=sys.stderr)
    _require_optuna()
    folder = StudyFolder(Path(request.study_dir or f"{pipeline.config.model_dir}_study"))
    with exclusive_run(folder.path, "another process runs this study", "--study_dir"):
        continued = folder.begin_or_continue(pipeline, _description(request, target))
        return _run(request, pipeline, target, folder, continued)


def _run(
    request: Request, pipeline: Pipeline, target: Objective, folder: StudyFolder, continued: bool
) -> int:
    # Here, because these import Optuna.
    from easyrec_lite.tuning.result import Reporter
    from easyrec_lite.tuning.study import Study
    from easyrec_lite.tuning.tuner import Plan, Tuner

    study = Study(
        folder.journal, request.space, target.bigger, request.seed, request.pruner, request.jobs
    )
    own = own_settings(pipeline, request.config, request.edits, request.space)
    if own is not None:
        study.begin_with(own)
    seed = seed_of(pipeline, request.space)
    plan = Plan(
        request.trials,
        request.jobs,
        request.keep,
        thread_edits(pipeline, request.jobs),
        seed,
        [word for name in request.plugins for word in ("--import", name)],
        request.command,
        request.poll_seconds,
    )
    reporter = Reporter(request, target, folder, study, seed)
    reporter.start(continued)
    tuner = Tuner(study, target, folder, plan, reporter.ended)
    code = tuner.run()
    reporter.finish(next(iter(tuner.best(study.rows())), None), stopped=code != 0)
    return code


def seed_of(pipeline: Pipeline, space: Space) -> tuple[str, int] | None:
    """Returns the path and first value of the trials' seeds; None if the space has the seed."""
    searched = any(each.path == SEED for each in space)
    return None if searched else (SEED, pipeline.config.train_config.seed)


def thread_edits(pipeline: Pipeline, jobs: int) -> dict[str, object]:
    """Returns edits that share the cores between `jobs` processes, unless the config does."""
    train = pipeline.config.train_config
    if jobs == 1 or any(getattr(train, name) for name in THREADS):
        return {}
    usable = getattr(os, "sched_getaffinity", None)
    cores = len(usable(0)) if usable else os.cpu_count() or 1
    return {f"train_config.{name}": max(1, cores // jobs) for name in THREADS}


def _description(request: Request, target: Objective) -> dict[str, object]:
    """Returns what two studies must have in common to be one, beside the config."""
    return {
        "metric": target.metric,
        "bigger is better": target.bigger,
        "seed": request.seed,
        "search": {each.path: str(each) for each in request.space},
    }


def _require_optuna() -> None:
    if importlib.util.find_spec("optuna") is None:
        raise ConfigError(
            Problem(
                "Optuna is not installed",
                Place("python -m easyrec_lite.tune"),
                remedy="pip install 'easyrec_lite[tune]'",
            )
        )
