"""The flags that tune an approximate index."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError, Namespace

from easyrec_lite.runs import command_line as cli
from easyrec_lite.serving.index import IndexTuning


def add_tuning(parser: cli.Parser) -> None:
    """Adds the flags that `tuning_from` reads."""
    add, default = parser.add_argument, IndexTuning()
    add(
        "--target_recall",
        type=_share,
        default=default.target_recall,
        metavar="SHARE",
        help=f"share of the exact top-K to find, at least (default: {default.target_recall})",
    )
    add(
        "--recall_at",
        type=cli.positive,
        default=default.k,
        metavar="K",
        help=f"K of that top-K (default: {default.k})",
    )
    add(
        "--query_path",
        default="",
        metavar="FILES",
        help="users to measure the recall with (default: the config's evaluation or training data)",
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
