"""`python -m easyrec_lite.make_item_table --config NAME`: a sampler's table, from its data."""

from __future__ import annotations

import math
import sys
from argparse import Namespace
from pathlib import Path

from easyrec_lite.checks.item_id import item_table
from easyrec_lite.config import load
from easyrec_lite.config.data_paths import train_path
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.core.overwriting import refuse_overwriting
from easyrec_lite.core.registry import import_plugins
from easyrec_lite.data.readers.input_files import expand
from easyrec_lite.data.tables.item_count import (
    ItemCounts,
    count_items,
    require_sampler,
    write_counts,
)
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.config_flags import config_parser, edits_from

EXAMPLES = (
    "--config dssm_neg_sampler_on_taobao.config",
    "--config my.config --output items.txt --label clk --power 0.5",
)


def parser() -> cli.Parser:
    """Returns the command's flags."""
    made = config_parser("make_item_table", EXAMPLES, shows=("train_input_path",))
    made.add_argument(
        "--output", metavar="FILE", help="the table (default: where the sampler reads it)"
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
    import_plugins(args.plugins)
    pipeline = load(args.config, edits_from(args))
    require_sampler(pipeline)
    output = Path(args.output or item_table(pipeline.config))
    if fs.exists(output):
        refuse_overwriting(output, expand(train_path(pipeline)), "--output")
    items = count_items(pipeline, args.label)
    write_counts(output, pipeline, items, args.power)
    print(_summary(items, args.label, output))


def _summary(items: ItemCounts, label: str, output: Path) -> str:
    lines = [f"{items.rows} rows, {len(items.ids)} items written to {output}"]
    never = int((items.counts == 0).sum())
    if never:
        lines.append(f"{never} items have no row with {label} above 0: weight 0, never drawn")
    if items.conflicts:
        lines.append(f"{items.conflicts} items with differing attributes: those of the last row")
    if items.without_id:
        lines.append(f"{items.without_id} rows without an item id left out")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
