"""`python -m easyrec_lite.predict`: scores or embeds a file of rows with an exported model."""

from __future__ import annotations

import sys
from argparse import Namespace

from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.config_flags import config_parser, exported_pipeline

EXAMPLES = (
    "--saved_model_dir experiments/dssm_senet_on_taobao --input_path rows.csv \\\n"
    "    --output_path scores.csv",
    "--saved_model_dir experiments/dssm_senet_on_taobao --model user_tower \\\n"
    "    --reserved_cols user_id --input_path users.csv --output_path users.parquet",
)


def parser() -> cli.Parser:
    """Returns the command's flags."""
    made = config_parser("predict", EXAMPLES, ("model_dir",), required=False)
    add = made.add_argument
    add("--input_path", required=True, metavar="FILES", help="rows, in the config's input format")
    add(
        "--output_path",
        type=cli.table_file,
        required=True,
        metavar="FILE",
        help="a .parquet file, or delimited text",
    )
    add(
        "--saved_model_dir",
        metavar="DIR",
        help="a SavedModel, an export, a folder of exports, or a model folder",
    )
    add("--model", default="scorer", metavar="NAME", help="scorer, user_tower, item_tower, …")
    add(
        "--reserved_cols",
        default="",
        metavar="COLUMN,…",
        help="input columns to copy; ALL_COLUMNS: all that are there",
    )
    add("--output_cols", default="", metavar="NAME,…", help="outputs to write (default: all)")
    cli.add_text_flags(made)
    add("--batch_size", type=int, default=4096, metavar="B", help="rows of a batch (default: 4096)")
    cli.add_bool(
        made,
        "--fill_missing",
        False,
        "fill columns that the model reads and the input lacks with the defaults of their fields",
    )
    cli.add_bool(made, "--with_header", False, "the first line of the input names its columns")
    return made


def main(args: Namespace) -> None:
    """Predicts as the flags say."""
    pipeline = exported_pipeline(args)
    from easyrec_lite.runs.process import prepare

    prepare(pipeline)
    from easyrec_lite.runs.estimator import Estimator
    from easyrec_lite.serving.predict import Prediction

    count = Estimator(pipeline).predict(
        Prediction(
            args.input_path,
            args.output_path,
            args.saved_model_dir or pipeline.config.model_dir,
            args.model,
            cli.names(args.reserved_cols),
            cli.names(args.output_cols),
            args.output_sep,
            args.batch_size,
            args.fill_missing,
            args.guard_formulas,
        )
    )
    print(f"{count} rows written to {args.output_path}")


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
