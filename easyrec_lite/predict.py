"""`python -m easyrec_lite.predict`: scores or embeds a file of rows with an exported model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from easyrec_lite import cli
from easyrec_lite.runtime import prepare


def main(argv: Sequence[str]) -> int:
    """Writes an exported model's outputs for each row of a file, as CSV or Parquet."""
    parser = cli.base_parser("python -m easyrec_lite.predict", main.__doc__ or "", False)
    add = parser.add_argument
    add("--input_path", required=True, metavar="FILES", help="rows, in the config's input format")
    add("--output_path", required=True, metavar="FILE", help="a .parquet file, or delimited text")
    add("--saved_model_dir", metavar="DIR", help="a SavedModel, an export, or a model folder")
    add("--model", choices=["scorer", "user_tower", "item_tower"], default="scorer")
    add("--reserved_cols", default="", help="input columns to carry along, or ALL_COLUMNS")
    add("--output_cols", default="", help="outputs to write (default: all)")
    add("--output_sep", default=",", help="separator of delimited text")
    add("--batch_size", type=int, default=4096, help="rows at once")
    cli.add_bool(parser, "--with_header", False, "the input's first line names its columns")
    args = parser.parse_args(argv)
    pipeline, folder = _pipeline(args)
    prepare(pipeline)
    from easyrec_lite.estimator import Estimator
    from easyrec_lite.serving.predict import Prediction

    count = Estimator(pipeline).predict(
        Prediction(
            args.input_path,
            args.output_path,
            folder,
            args.model,
            _names(args.reserved_cols),
            _names(args.output_cols),
            args.output_sep.encode().decode("unicode_escape"),
            args.batch_size,
        )
    )
    print(f"{count} rows written to {args.output_path}")
    return 0


def _pipeline(args):  # type: ignore[no-untyped-def]
    """The config on the command line, or else the one that lies beside the SavedModel."""
    if args.config is None:
        args.config = str(_config_beside(args.saved_model_dir))
    if args.with_header:
        args.config_edits["data_config.with_header"] = "true"
    pipeline = cli.pipeline_from(args)
    return pipeline, args.saved_model_dir or pipeline.config.model_dir


def _config_beside(folder: str | None) -> Path:
    from easyrec_lite.errors import ConfigError, Problem

    if folder is None:
        raise ConfigError(Problem("neither --saved_model_dir nor --config is given"))
    for above in (Path(folder), Path(folder).parent):
        if (above / "pipeline.config").is_file():
            return above / "pipeline.config"
    raise ConfigError(Problem(f"no pipeline.config in {folder} or above", remedy="give --config"))


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


if __name__ == "__main__":
    sys.exit(cli.run(main))
