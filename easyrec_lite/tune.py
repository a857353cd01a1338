"""`python -m easyrec_lite.tune --config NAME --search 'PATH=log(1e-4, 1e-2)'`: finds settings."""

from __future__ import annotations

import sys
from argparse import Namespace

from easyrec_lite.core.registry import import_plugins
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.config_flags import config_parser, edits_from

PRUNERS = ("median", "hyperband", "none")
NUMBERS = (
    ("--trials", 20, "trials of the study, pruned and failed ones included"),
    ("--jobs", 1, "trials at a time, a process each"),
    ("--keep", 1, "how many of the best trials keep their checkpoints"),
)
EXAMPLES = (
    "--config my.config --trials 30 \\\n"
    "    --search 'data_config.batch_size=choice(128, 512)' \\\n"
    "    --search 'model_config.dssm.temperature=log(0.01, 0.3)'",
    "--config my.config --search_file space.txt --jobs 2 --study_dir experiments/first",
)


def parser() -> cli.Parser:
    """Returns the command's flags."""
    made = config_parser("tune", EXAMPLES, shows=("train_input_path", "eval_input_path"))
    add = made.add_argument
    add(
        "--search",
        action="append",
        default=[],
        metavar="PATH=VALUES",
        help="a field and its values: log(1e-4, 1e-2), uniform(0, 0.5), int(16, 128, step=16), "
        "int(16, 1024, log), choice(a, b, [64, 32]); repeatable",
    )
    add("--search_file", metavar="FILE", help="the same from a file, one a line; # for comments")
    add(
        "--study_dir",
        metavar="DIR",
        help="folder of the study; the same command continues it (default: MODEL_DIR_study)",
    )
    add(
        "--metric",
        metavar="NAME",
        help="metric of the evaluations to optimise (default: best_exporter_metric if it ranks all "
        "items, else full_ranking/excluded/ndcg@10)",
    )
    for flag, default, text in NUMBERS:
        add(
            flag,
            type=cli.positive,
            default=default,
            metavar="N",
            help=f"{text} (default: {default})",
        )
    add(
        "--pruner",
        choices=PRUNERS,
        default="median",
        help="ends trials early that fall behind at their evaluations (default: median)",
    )
    add("--seed", type=int, default=0, metavar="N", help="seed of the search (default: 0)")
    return made


def main(args: Namespace) -> int:
    """Runs or continues the study."""
    from easyrec_lite.tuning.parse import distinct, parse_file, parse_flags
    from easyrec_lite.tuning.request import Request
    from easyrec_lite.tuning.run import tune

    import_plugins(args.plugins)
    parameters = parse_flags(args.search)
    if args.search_file:
        parameters += parse_file(args.search_file)
    return tune(
        Request(
            args.config,
            edits_from(args),
            distinct(parameters),
            args.study_dir,
            args.metric,
            args.trials,
            args.jobs,
            args.keep,
            args.pruner,
            args.seed,
            args.plugins,
        )
    )


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
