"""The evaluation of a checkpoint as a command prints it."""

from __future__ import annotations

from pathlib import Path

from easyrec_lite.checks.rules.files import existing
from easyrec_lite.checks.rules.full_ranking import asked
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.runs.process import prepare


def evaluate(pipeline: Pipeline, checkpoint: str | None) -> None:
    """Evaluates a checkpoint, prints its metrics, and writes the report anew.

    Args:
      pipeline: the config.
      checkpoint: a prefix, or a folder whose newest is meant; None: `model_dir`.

    Raises:
      ConfigError: there is no checkpoint, or the item table of a full ranking does not exist.
      DataError: the data cannot be read.
    """
    _require_items(pipeline)
    prepare(pipeline)
    from easyrec_lite.reporting.write import report_after
    from easyrec_lite.runs.estimator import Estimator
    from easyrec_lite.runs.progress import metric_lines
    from easyrec_lite.runs.verdict import verdict_lines

    metrics = Estimator(pipeline).evaluate(checkpoint)
    print(metric_lines(metrics), flush=True)
    if asked(View(pipeline)):
        print("\n".join(verdict_lines(Path(pipeline.config.model_dir))))
    print(report_after(pipeline))


def _require_items(pipeline: Pipeline) -> None:
    """Raises `ConfigError` if the item table of a full ranking is missing, before any work."""
    path = "eval_config.full_ranking.item_path"
    problems = [problem for problem in existing(View(pipeline)) if problem.path == path]
    if problems:
        raise ConfigError(problems)
