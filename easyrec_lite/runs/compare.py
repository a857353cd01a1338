"""Compares the full rankings of runs, as a command prints it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Place, Problem, nearest
from easyrec_lite.runs.compared_run import ComparedRun, read_runs
from easyrec_lite.runs.comparison import compare_runs
from easyrec_lite.runs.comparison_text import as_json, as_text


def compare(
    folders: Sequence[str], base: str | None, metrics: Sequence[str], in_json: bool
) -> None:
    """Prints the comparison of runs.

    Args:
      folders: the model folders.
      base: the one that the others are compared with; None: the first.
      metrics: the metrics of a ranking to compare; none: all.
      in_json: whether to print JSON.

    Raises:
      ConfigError: there are fewer than two runs, one cannot be compared, or none has a metric.
      DataError: a file of a run is damaged.
    """
    named = list(folders)
    if base:
        named = [base, *(each for each in folders if fs.real_path(each) != fs.real_path(base))]
    if len(named) < 2:
        problem = Problem(
            "one run alone cannot be compared",
            Place("command line"),
            expected="two model folders or more",
        )
        raise ConfigError(problem)
    runs = read_runs(named)
    _require_metrics(runs, metrics)
    comparisons = [compare_runs(runs[0], run, metrics) for run in runs[1:]]
    if in_json:
        print(json.dumps(as_json(runs, comparisons), indent=1, ensure_ascii=False))
    else:
        print(as_text(runs, comparisons, metrics))


def _require_metrics(runs: Sequence[ComparedRun], metrics: Sequence[str]) -> None:
    """Raises `ConfigError` if a metric is none of any run's."""
    known = dict.fromkeys(name for run in runs for each in run.metrics.values() for name in each)
    problems = [
        Problem(
            f"no run has the metric {name!r}",
            Place("command line"),
            path="--metrics",
            expected="some of " + ", ".join(known),
            nearest=nearest(name, known),
        )
        for name in metrics
        if name not in known
    ]
    if problems:
        raise ConfigError(problems)
