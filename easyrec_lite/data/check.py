"""What is wrong with the data of a config, as far as its first rows show it. No TensorFlow."""

from __future__ import annotations

import dataclasses

from easyrec_lite.checks.rules import files
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import Problem, ProblemError
from easyrec_lite.data.readers.input_files import repeated_files
from easyrec_lite.data.readers.scan import RowCheck, label_zero_share, scan


def data_problems(
    pipeline: Pipeline, rows: int, check: RowCheck = lambda rows: {}
) -> list[Problem]:
    """Returns what is wrong with the files that a config names and with their first rows.

    Args:
      pipeline: a config without errors.
      rows: how many rows of the training and of the evaluation data to read.
      check: what is wrong with rows, besides cells that are no values of their fields' types.
    """
    view, config = View(pipeline), pipeline.config
    problems = list(files.existing(view))
    train = config.train_input_path or config.parquet_train_input
    evaluation = config.eval_input_path or config.parquet_eval_input
    for path in dict.fromkeys(filter(None, (train, evaluation))):
        problems += [*repeated_files(path), *scan(pipeline, path, rows, check)]
    if view.data.bad_row_policy == view.data.SKIP:
        problems = [_skipped(problem) for problem in problems]
    if train and view.listwise and not any(problem.severity == "error" for problem in problems):
        problems += _negative_rows(view, train, rows)
    return problems


def _negative_rows(view: View, path: str, rows: int) -> list[Problem]:
    """Returns a warning when listwise data holds rows that are no positives."""
    label = view.model_config.label_name or next(iter(view.data.label_fields), "")
    try:
        share = label_zero_share(view.pipeline, path, rows).get(label, 0.0)
    except ProblemError as error:
        return list(error.problems)
    if not share:
        return []
    return [
        view.warning(
            "train_input_path",
            f"{share:.1%} of the first rows have {label} = 0, but a listwise loss takes every row "
            "for a positive",
            expected="rows of positives only",
            remedy="leave the other rows out of the training data",
        )
    ]


def _skipped(problem: Problem) -> Problem:
    """Returns the problem of a row as a warning: `bad_row_policy: SKIP` leaves the row out."""
    row = problem.place.line > 0 and not problem.path.startswith(("data_config", "feature"))
    return dataclasses.replace(problem, severity="warning") if row else problem
