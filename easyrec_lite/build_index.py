"""`python -m easyrec_lite.build_index`: an approximate index of an export's item vectors."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.config_flags import config_parser, exported_pipeline
from easyrec_lite.runs.index_flags import add_tuning, tuning_from

EXAMPLES = (
    "--saved_model_dir experiments/dssm_senet_on_taobao",
    "--saved_model_dir experiments/dssm_senet_on_taobao --target_recall 0.99 --recall_at 50",
)


def parser() -> cli.Parser:
    """Returns the command's flags."""
    shown = ("model_dir", "train_input_path", "eval_input_path")
    made = config_parser("build_index", EXAMPLES, shown, required=False)
    made.add_argument(
        "--saved_model_dir", metavar="DIR", help="an export, a folder of exports, or a model folder"
    )
    add_tuning(made)
    cli.add_bool(made, "--with_header", False, "the first line of the queries names their columns")
    return made


def main(args: Namespace) -> None:
    """Builds a faiss index of the item vectors in an export, and measures its recall."""
    pipeline = exported_pipeline(args)
    from easyrec_lite.runs.process import prepare

    prepare(pipeline)
    from easyrec_lite.serving.indexing import index_export

    folder = Path(args.saved_model_dir or pipeline.config.model_dir)
    print(index_export(pipeline, folder, tuning_from(args)))


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
