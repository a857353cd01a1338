"""`python -m easyrec_lite.make_item_table --config NAME`: an item table, from the data."""

from __future__ import annotations

import math
import sys
from argparse import Namespace

from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.core.registry import import_plugins
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.config_flags import config_parser, edits_from

EXAMPLES = (
    "--config dssm_neg_sampler_on_taobao.config",
    "--config my.config --output items.txt --label clk --power 0.5",
    "--config dssm_on_taobao.config --output items.txt",
)


def parser() -> cli.Parser:
    """Returns the command's flags."""
    made = config_parser("make_item_table", EXAMPLES, shows=("train_input_path",))
    made.add_argument(
        "--output", metavar="FILE", help="the table (default: where the config reads it)"
    )
    made.add_argument(
        "--item_id",
        default="",
        metavar="FIELD",
        help="field that holds the item's id (default: the config's)",
    )
    made.add_argument(
        "--power",
        type=float,
        default=0.75,
        help="weight = count ** power: 1 draws by popularity, 0 all items alike (default: 0.75)",
    )
    made.add_argument(
        "--label", default="", metavar="FIELD", help="count only rows where this field is above 0"
    )
    return made


def main(args: Namespace) -> None:
    """Writes the item table as the flags say."""
    if not math.isfinite(args.power):
        raise ConfigError(Problem(f"--power is {args.power}", cli.COMMAND_LINE))
    from easyrec_lite.config import load
    from easyrec_lite.data.tables.item_count import make_item_table

    import_plugins(args.plugins)
    pipeline = load(args.config, edits_from(args))
    print(make_item_table(pipeline, args.output, args.label, args.power, args.item_id))


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
