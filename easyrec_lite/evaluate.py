"""`python -m easyrec_lite.evaluate --config NAME`: metrics of a checkpoint."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from easyrec_lite import cli
from easyrec_lite.runtime import prepare


def main(argv: Sequence[str]) -> int:
    """Evaluates the newest checkpoint in model_dir, or the one given, on eval_input_path."""
    parser = cli.base_parser("python -m easyrec_lite.evaluate", main.__doc__ or "")
    parser.add_argument("--checkpoint_path", metavar="PATH", help="a prefix, or a folder")
    args = parser.parse_args(argv)
    pipeline = cli.pipeline_from(args)
    prepare(pipeline)
    from easyrec_lite.estimator import Estimator
    from easyrec_lite.reporting.write import report_after

    metrics = Estimator(pipeline).evaluate(args.checkpoint_path)
    width = max(map(len, metrics))
    for name, value in metrics.items():
        print(f"{name:<{width}}  {value:.6g}")
    sys.stdout.flush()
    print(report_after(pipeline))
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
