"""Checks a config without training: `python -m easyrec_lite.check --config NAME`.

Prints every problem of the config, then its embedding tables and the memory that training needs.
With `--data` it also reads the first rows of the data. Exits with 2 when there is an error. Does
not import TensorFlow, unless `--graph` asks for a drawing of the backbone.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence

from easyrec_lite.checks.check import examine_and_check
from easyrec_lite.checks.memory import estimate, report
from easyrec_lite.checks.rules import files
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem, ProblemError
from easyrec_lite.core.registry import import_plugins
from easyrec_lite.data.scan import label_zero_share, scan
from easyrec_lite.distribution.cluster import problems_of
from easyrec_lite.distribution.tf_config import from_environment
from easyrec_lite.runs.command_line import Parser, base_parser, edits_from, run
from easyrec_lite.runs.process import load_tensorflow

ROWS = 1000


def main(argv: Sequence[str]) -> int:
    """Prints the report about a config; returns 2 when it has errors.

    Raises:
      ConfigError: a flag is wrong, or the config file cannot be read.
    """
    args = _parser().parse_args(argv)
    import_plugins(args.plugins)
    pipeline, problems = examine_and_check(args.config, edits_from(args))
    if pipeline is not None:
        if not _errors(problems):
            problems += cluster_problems(pipeline)
        if args.data and not _errors(problems):
            problems += data_problems(pipeline, args.rows)
    for problem in problems:
        print(problem)
    errors = _errors(problems)
    if pipeline is not None and not errors:
        print(f"\n{report(estimate(pipeline))}\n")
        if args.graph is not None:
            draw_graph(pipeline, args.graph)
    print(_summary(errors, len(problems) - errors))
    return 2 if errors else 0


def draw_graph(pipeline: Pipeline, path: str) -> None:
    """Prints the backbone as a table, or writes it to `path` as a diagram, and says so.

    Raises:
      ConfigError: there is no backbone, or no diagram can be written to such a file.
    """
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


def data_problems(pipeline: Pipeline, rows: int = ROWS) -> list[Problem]:
    """Returns what is wrong with the files that a config names and with their first rows.

    Args:
      pipeline: a config without errors.
      rows: how many rows of the training and of the evaluation data to read.
    """
    view, config = View(pipeline), pipeline.config
    found = list(files.existing(view))
    train = config.train_input_path or config.parquet_train_input
    evaluation = config.eval_input_path or config.parquet_eval_input
    for path in dict.fromkeys(filter(None, (train, evaluation))):
        found += scan(pipeline, path, rows)
    if view.data.bad_row_policy == view.data.SKIP:
        found = [_skipped(problem) for problem in found]
    if train and view.listwise and not _errors(found):
        found += _negative_rows(view, train, rows)
    return found


def cluster_problems(pipeline: Pipeline) -> list[Problem]:
    """Returns what is wrong with TF_CONFIG, or does not go together in it and a good config."""
    try:
        return problems_of(pipeline, from_environment())
    except ConfigError as error:
        return list(error.problems)


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


def _errors(problems: Sequence[Problem]) -> int:
    return sum(problem.severity == "error" for problem in problems)


def _summary(errors: int, warnings: int) -> str:
    counts = [
        f"{count} {name}{'' if count == 1 else 's'}"
        for count, name in ((errors, "error"), (warnings, "warning"))
    ]
    return ("the config cannot be used: " if errors else "the config is good: ") + ", ".join(counts)


def _parser() -> Parser:
    parser = base_parser(
        "python -m easyrec_lite.check",
        "Check a config: all its problems, its embedding tables, the memory it will need.",
    )
    parser.add_argument(
        "--data", action="store_true", help="also read the first rows of the data that it names"
    )
    parser.add_argument(
        "--graph",
        nargs="?",
        const="",
        metavar="FILE",
        help="also draw the backbone: as a table, or into a .dot (Graphviz), .mmd (Mermaid), .svg "
        "or .png file (loads TensorFlow)",
    )
    parser.add_argument(
        "--rows",
        type=_positive,
        default=ROWS,
        metavar="N",
        help=f"how many rows --data reads (default: {ROWS})",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


if __name__ == "__main__":
    sys.exit(run(main))
