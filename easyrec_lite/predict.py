"""`python -m easyrec_lite.predict`: scores or embeds a file of rows with an exported model."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.process import prepare


def main(argv: Sequence[str]) -> int:
    """Writes an exported model's outputs for each row of a file, as CSV or Parquet."""
    parser = cli.base_parser("python -m easyrec_lite.predict", main.__doc__ or "", False)
    add = parser.add_argument
    add("--input_path", required=True, metavar="FILES", help="rows, in the config's input format")
    add("--output_path", required=True, metavar="FILE", help="a .parquet file, or delimited text")
    add("--saved_model_dir", metavar="DIR", help="a SavedModel, an export, or a model folder")
    add("--model", default="scorer", metavar="NAME", help="scorer, user_tower, item_tower, …")
    add("--reserved_cols", default="", help="input columns to carry along, or ALL_COLUMNS")
    add("--output_cols", default="", help="outputs to write (default: all)")
    add("--output_sep", default=",", help="separator of delimited text")
    add("--batch_size", type=int, default=4096, help="rows at once")
    cli.add_bool(parser, "--with_header", False, "the input's first line names its columns")
    args = parser.parse_args(argv)
    pipeline = cli.exported_pipeline(args)
    folder = args.saved_model_dir or pipeline.config.model_dir
    prepare(pipeline)
    from easyrec_lite.runs.estimator import Estimator
    from easyrec_lite.serving.predict import Prediction

    count = Estimator(pipeline).predict(
        Prediction(
            args.input_path,
            args.output_path,
            folder,
            args.model,
            cli.names(args.reserved_cols),
            cli.names(args.output_cols),
            args.output_sep.encode().decode("unicode_escape"),
            args.batch_size,
        )
    )
    print(f"{count} rows written to {args.output_path}")
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
