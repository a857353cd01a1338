"""`python -m easyrec_lite.compare RUN RUN…`: the full rankings of runs, side by side.

Prints the metrics, the differences with the first run with a paired test over the users, and the
differences of the configs. Does not import TensorFlow.
"""

from __future__ import annotations

import sys
from argparse import Namespace

from easyrec_lite.runs import command_line as cli

EXAMPLES = (
    "experiments/dssm_on_taobao experiments/dssm_senet_on_taobao",
    "experiments/a experiments/b experiments/c --base experiments/b --metrics recall@50,ndcg@10",
)


def parser() -> cli.Parser:
    """Returns the command's flags."""
    made = cli.Parser("compare", EXAMPLES)
    made.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="model folder of a run that evaluate --full_ranking or its training ranked",
    )
    made.add_argument(
        "--base", metavar="RUN", help="the run that others are compared with (default: the first)"
    )
    made.add_argument(
        "--metrics",
        type=cli.names,
        default=[],
        metavar="NAME,…",
        help="metrics to compare, such as recall@50 (default: all)",
    )
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main(args: Namespace) -> None:
    """Compares as the flags say."""
    from easyrec_lite.runs.compare import compare

    compare(args.runs, args.base, args.metrics, args.json)


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
