"""`python -m easyrec_lite.report --model_dir DIR`: writes the report of a model folder anew."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.config_flags import config_parser, exported_pipeline

SHOWN = ("model_dir", "train_input_path", "eval_input_path")
EXAMPLES = ("--model_dir experiments/dssm_senet_on_taobao",)


def parser() -> cli.Parser:
    """Returns the command's flags."""
    made = config_parser("report", EXAMPLES, SHOWN, required=False)
    made.add_argument(
        "--output_path", metavar="FILE", help="the report (default: report.html in model_dir)"
    )
    return made


def main(args: Namespace) -> None:
    """Writes the report as the flags say."""
    pipeline = exported_pipeline(args, "model_dir")
    from easyrec_lite.runs.process import prepare

    prepare(pipeline)
    from easyrec_lite.reporting.write import write_report

    target = write_report(pipeline, Path(args.output_path) if args.output_path else None)
    print(f"report written to {target}")


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
