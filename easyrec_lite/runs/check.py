"""The check of a config as a command prints it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from easyrec_lite.checks.check import examine_and_check
from easyrec_lite.checks.memory import estimate, report
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem, ProblemError
from easyrec_lite.distribution.cluster import problems_of
from easyrec_lite.distribution.tf_config import from_environment
from easyrec_lite.runs.process import load_tensorflow


def check(
    name: str | os.PathLike[str],
    edits: Mapping[str, object],
    data_rows: int = 0,
    graph: str | None = None,
) -> int:
    """Prints every problem of a config; then, if it can be used, its tables and its memory.

    Args:
      name: as of `load_config`.
      edits: as of `load_config`.
      data_rows: how many of the first rows of the data to read.
      graph: also draw the backbone: "" as a table, else into this file.

    Returns:
      The exit code: 2 when there are errors.

    Raises:
      ConfigError: the file does not exist or is not text, or there is nothing to draw.
    """
    pipeline, problems = examine_and_check(name, edits)
    if pipeline is not None:
        if not _errors(problems):
            problems += _cluster_problems(pipeline)
        if data_rows and not _errors(problems):
            problems += _data_problems(pipeline, data_rows)
    for problem in problems:
        print(problem)
    errors = _errors(problems)
    if pipeline is not None and not errors:
        print(f"\n{report(estimate(pipeline))}\n")
        if graph is not None:
            _draw(pipeline, graph)
    print(_summary(errors, len(problems) - errors))
    return 2 if errors else 0


def _data_problems(pipeline: Pipeline, rows: int) -> list[Problem]:
    """Returns what is wrong with the data's first rows, as readers, features and losses see it."""
    load_tensorflow()
    from easyrec_lite.data.check import data_problems
    from easyrec_lite.runs.check_tables import table_problems
    from easyrec_lite.training.cells import row_check

    try:
        problems = data_problems(pipeline, rows, row_check(pipeline))
        return problems if _errors(problems) else [*problems, *table_problems(pipeline, rows)]
    except ProblemError as error:
        return list(error.problems)


def _cluster_problems(pipeline: Pipeline) -> list[Problem]:
    """Returns what is wrong with TF_CONFIG, and what in it does not fit a good config."""
    try:
        return problems_of(pipeline, from_environment())
    except ConfigError as error:
        return list(error.problems)


def _draw(pipeline: Pipeline, path: str) -> None:
    """Prints the backbone as a table, or writes it to `path` as a diagram and prints where."""
    from easyrec_lite.models.backbone.diagram import require_format, table, write_diagram

    if path:
        require_format(path)
    load_tensorflow()
    from easyrec_lite.models.backbone.nodes import nodes

    if not path:
        print(table(nodes(pipeline)))
        return
    write_diagram(nodes(pipeline), path)
    print(f"the drawing is in {path}")


def _errors(problems: Sequence[Problem]) -> int:
    return sum(problem.severity == "error" for problem in problems)


def _summary(errors: int, warnings: int) -> str:
    counts = [
        f"{count} {name}{'' if count == 1 else 's'}"
        for count, name in ((errors, "error"), (warnings, "warning"))
    ]
    return ("the config cannot be used: " if errors else "the config is good: ") + ", ".join(counts)
