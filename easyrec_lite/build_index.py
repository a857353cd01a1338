"""`python -m easyrec_lite.build_index`: an approximate index of an export's item vectors."""

from __future__ import annotations

import math
import sys
from argparse import ArgumentTypeError, Namespace
from pathlib import Path

from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.config_flags import config_parser, exported_pipeline
from easyrec_lite.serving.index import IndexTuning

EXAMPLES = (
    "--saved_model_dir experiments/dssm_senet_on_taobao",
    "--saved_model_dir experiments/dssm_senet_on_taobao --target_recall 0.99 --recall_at 50",
)


def parser() -> cli.Parser:
    """Returns the command's flags."""
    shown = ("model_dir", "train_input_path", "eval_input_path")
    made = config_parser("build_index", EXAMPLES, shown, required=False)
    made.add_argument("--saved_model_dir", metavar="DIR", help="an export, or a model folder")
    add_tuning(made)
    cli.add_bool(made, "--with_header", False, "the queries' first line names their columns")
    return made


def main(args: Namespace) -> None:
    """Builds a faiss index of the item vectors in an export, and measures its recall."""
    pipeline = exported_pipeline(args)
    from easyrec_lite.runs.process import prepare

    prepare(pipeline)
    from easyrec_lite.serving.indexing import index_export

    folder = Path(args.saved_model_dir or pipeline.config.model_dir)
    print(index_export(pipeline, folder, tuning_from(args)))


def add_tuning(parser: cli.Parser) -> None:
    """Adds the flags that `tuning_from` reads."""
    add, default = parser.add_argument, IndexTuning()
    add(
        "--target_recall",
        type=_share,
        default=default.target_recall,
        metavar="SHARE",
        help=f"share of the exact top-K to find (default: {default.target_recall})",
    )
    add(
        "--recall_at",
        type=cli.positive,
        default=default.k,
        metavar="K",
        help=f"that K (default: {default.k})",
    )
    add(
        "--query_path",
        default="",
        metavar="FILES",
        help="users to measure with (default: those of the config's evaluation or training data)",
    )


def tuning_from(args: Namespace) -> IndexTuning:
    """Returns the tuning that the flags ask for."""
    return IndexTuning(args.target_recall, args.recall_at, query_path=args.query_path)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1:
        raise ArgumentTypeError(f"{text} is not a share above 0 and at most 1")
    return value


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
