"""`python -m easyrec_lite.evaluate --config NAME`: metrics of a checkpoint."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from easyrec_lite.checks.rules.files import existing
from easyrec_lite.checks.view import View
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError, Place, Problem
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.process import prepare

FULL_RANKING = "eval_config.full_ranking"


def main(argv: Sequence[str]) -> int:
    """Evaluates the newest checkpoint in model_dir, or the one given, on eval_input_path."""
    parser = cli.base_parser("python -m easyrec_lite.evaluate", main.__doc__ or "")
    parser.add_argument("--checkpoint_path", metavar="PATH", help="a prefix, or a folder")
    _add_ranking(parser)
    args = parser.parse_args(argv)
    args.config_edits = {**_ranking_edits(args), **args.config_edits}
    pipeline = cli.pipeline_from(args)
    _require_items(pipeline)
    prepare(pipeline)
    from easyrec_lite.reporting.write import report_after
    from easyrec_lite.runs.estimator import Estimator
    from easyrec_lite.runs.progress import metric_lines

    metrics = Estimator(pipeline).evaluate(args.checkpoint_path)
    print(metric_lines(metrics), flush=True)
    print(report_after(pipeline))
    return 0


def _add_ranking(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of a full ranking, which edit `eval_config.full_ranking`."""
    group = parser.add_argument_group(
        "ranking among all items", f"each sets the field of {FULL_RANKING} of its name"
    )
    cli.add_bool(
        group, "--full_ranking", None, "rank held-out items among all; false: not, whatever config"
    )
    add = group.add_argument
    add("--topk", type=_lengths, metavar="K,…", help="lengths of lists (default: 10,50,100)")
    add("--item_path", metavar="FILE", help="item table (default: the sampler's)")
    add("--user_id", metavar="FIELD", help="field that holds the user's id")
    add("--item_id", metavar="FIELD", help="field that holds the item's id")
    add("--seen_path", metavar="FILES", help="data that was seen (default: train_input_path)")
    add("--group_by", type=cli.names, metavar="COLUMN,…", help="break metrics down by these")
    cli.add_bool(group, "--by_row", None, "each row is a query, instead of each user")


def _ranking_edits(args: argparse.Namespace) -> dict[str, object]:
    """Returns the edits of these flags.

    Raises:
      ConfigError: one of them is given without a ranking.
    """
    fields = ("topk", "item_path", "user_id", "item_id", "seen_path", "group_by", "by_row")
    given = {name: getattr(args, name) for name in fields if getattr(args, name) is not None}
    if given and not args.full_ranking:
        raise ConfigError(
            Problem(
                f"{', '.join(f'--{name}' for name in given)} without --full_ranking",
                Place("command line"),
                remedy="add --full_ranking",
            )
        )
    if args.full_ranking is None:
        return {}
    return {FULL_RANKING: given if args.full_ranking else None}


def _require_items(pipeline: Pipeline) -> None:
    """Looks for the item table of a full ranking before the work begins.

    Raises:
      ConfigError: it is not there.
    """
    path = f"{FULL_RANKING}.item_path"
    problems = [problem for problem in existing(View(pipeline)) if problem.path == path]
    if problems:
        raise ConfigError(problems)


def _lengths(text: str) -> list[int]:
    return [cli.positive(part) for part in cli.names(text)]


if __name__ == "__main__":
    sys.exit(cli.run(main))
