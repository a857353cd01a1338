"""`python -m easyrec_lite.evaluate --config NAME`: metrics of a checkpoint."""

from __future__ import annotations

import sys
from argparse import Namespace

from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.config_flags import config_parser, pipeline_from

FULL_RANKING = "eval_config.full_ranking"
# The flags that set the field of this name in FULL_RANKING.
RANKING_FIELDS = (
    "topk",
    "item_path",
    "user_id",
    "item_id",
    "seen_path",
    "group_by",
    "by_row",
    "item_knn",
)
EXAMPLES = (
    "--config experiments/dssm_senet_on_taobao/pipeline.config",
    "--config experiments/dssm_senet_on_taobao/pipeline.config --full_ranking --topk 10,50",
)


def parser() -> cli.Parser:
    """Returns the command's flags."""
    made = config_parser("evaluate", EXAMPLES, ("model_dir", "train_input_path", "eval_input_path"))
    made.add_argument(
        "--checkpoint_path", metavar="PATH", help="a prefix, or a folder (default: model_dir)"
    )
    group = made.add_argument_group(
        "ranking among all items", f"each sets the field of its name in {FULL_RANKING}"
    )
    cli.add_bool(
        group,
        "--full_ranking",
        None,
        "rank held-out items among all items; false turns the config's ranking off",
    )
    add = group.add_argument
    add("--topk", type=_lengths, metavar="K,…", help="lengths of the lists (default: 10,50,100)")
    add("--item_path", metavar="FILE", help="item table (default: the sampler's)")
    add("--user_id", metavar="FIELD", help="field that holds the user's id")
    add("--item_id", metavar="FIELD", help="field that holds the item's id")
    add(
        "--seen_path",
        metavar="FILES",
        help="items that users have seen (default: train_input_path)",
    )
    add(
        "--group_by",
        type=cli.names,
        metavar="COLUMN,…",
        help="columns to break the metrics down by",
    )
    cli.add_bool(group, "--by_row", None, "rank for each row, instead of for each user")
    cli.add_bool(group, "--item_knn", None, "also rank by item neighbours, a baseline; takes time")
    return made


def main(args: Namespace) -> None:
    """Evaluates as the flags say."""
    args.config_edits = {**_ranking_edits(args), **args.config_edits}
    pipeline = pipeline_from(args)
    from easyrec_lite.runs.evaluate import evaluate

    evaluate(pipeline, args.checkpoint_path)


def _ranking_edits(args: Namespace) -> dict[str, object]:
    """Returns the edits of the flags of a full ranking.

    Raises:
      ConfigError: one of them is given without a ranking.
    """
    given = {name: getattr(args, name) for name in RANKING_FIELDS}
    given = {name: value for name, value in given.items() if value is not None}
    if given and not args.full_ranking:
        raise ConfigError(
            Problem(
                f"{', '.join(f'--{name}' for name in given)} without --full_ranking",
                cli.COMMAND_LINE,
                remedy="add --full_ranking",
            )
        )
    if args.full_ranking is None:
        return {}
    return {FULL_RANKING: given if args.full_ranking else None}


def _lengths(text: str) -> list[int]:
    return [cli.positive(part) for part in cli.names(text)]


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
