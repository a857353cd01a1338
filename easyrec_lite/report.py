"""`python -m easyrec_lite.report --model_dir DIR`: writes the report of a model folder anew."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.process import prepare


def main(argv: Sequence[str]) -> int:
    """Writes report.html: curves, metrics, ranking, feature weights, example users."""
    parser = cli.base_parser("python -m easyrec_lite.report", main.__doc__ or "", False)
    parser.add_argument(
        "--output_path", metavar="FILE", help="default: report.html in the model folder"
    )
    args = parser.parse_args(argv)
    pipeline = cli.exported_pipeline(args, "model_dir")
    prepare(pipeline)
    from easyrec_lite.reporting.write import write_report

    target = write_report(pipeline, Path(args.output_path) if args.output_path else None)
    print(f"report written to {target}")
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
