"""`python -m easyrec_lite.check --config NAME`: checks a config without training.

Prints every problem of the config, then its embedding tables and the memory that training needs.
With `--data` it also reads the first rows of the data. Exits with 2 when there is an error. Does
not import TensorFlow, unless `--graph` asks for a drawing of the backbone.
"""

from __future__ import annotations

import sys
from argparse import Namespace

from easyrec_lite.core.registry import import_plugins
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.config_flags import FIELDS, config_parser, edits_from

ROWS = 1000
EXAMPLES = ("--config dssm_senet_on_taobao.config --data", "--config my.config --import my_module")


def parser() -> cli.Parser:
    """Returns the command's flags."""
    made = config_parser("check", EXAMPLES, shows=tuple(FIELDS))
    made.add_argument(
        "--data", action="store_true", help="also read the first rows of the data that it names"
    )
    made.add_argument(
        "--graph",
        nargs="?",
        const="",
        metavar="FILE",
        help="also draw the backbone: as a table, or into a .dot (Graphviz), .mmd (Mermaid), .svg "
        "or .png file (loads TensorFlow)",
    )
    made.add_argument(
        "--rows",
        type=cli.positive,
        default=ROWS,
        metavar="N",
        help=f"how many rows --data reads (default: {ROWS})",
    )
    return made


def main(args: Namespace) -> int:
    """Checks as the flags say."""
    from easyrec_lite.runs.check import check

    import_plugins(args.plugins)
    return check(args.config, edits_from(args), args.rows if args.data else 0, args.graph)


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
