"""`python -m easyrec_lite.explain PATH`: what a config field means."""

from __future__ import annotations

import io
import sys
from argparse import Namespace

from easyrec_lite.runs import command_line as cli

EXAMPLES = ("train_config.optimizer_config.adam_optimizer.beta1", "DatasetConfig.InputType")


def parser() -> cli.Parser:
    """Returns the command's flags."""
    made = cli.Parser("explain", EXAMPLES)
    made.add_argument(
        "path",
        nargs="?",
        default="",
        metavar="PATH",
        help="config path such as train_config.num_steps (list indexes are ignored), "
        "Message.field, Message or Enum; none: the top-level fields",
    )
    made.add_argument(
        "--counts",
        action="store_true",
        help="count the fields that are implemented, have no effect, or are refused; list the "
        "fields that EasyRec does not have",
    )
    return made


def main(args: Namespace) -> None:
    """Prints what the flags ask for."""
    from easyrec_lite.checks.explain import counts, explain

    lines = counts() if args.counts else explain(args.path)
    if isinstance(sys.stdout, io.TextIOWrapper):  # comments hold Σ and the like, a terminal may not
        sys.stdout.reconfigure(errors="replace")
    print("\n".join(lines))


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
