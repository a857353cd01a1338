"""Makes the item table of a negative sampler: `python -m easyrec_lite.make_item_table`."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

from easyrec_lite.checks.item_id import item_table
from easyrec_lite.config import load
from easyrec_lite.config.data_paths import train_path
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Place, Problem
from easyrec_lite.core.overwriting import refuse_overwriting
from easyrec_lite.data.paths import expand
from easyrec_lite.data.tables.item_count import (
    ItemCounts,
    count_items,
    require_sampler,
    write_counts,
)
from easyrec_lite.runs import command_line as cli


def main(argv: Sequence[str]) -> None:
    """Writes the item table that the config's sampler reads, each item's weight from its rows.

    Raises:
      ConfigError: bad flags or config, or the table would take the place of the data.
      DataError: the training data cannot be read.
    """
    parser = cli.base_parser("python -m easyrec_lite.make_item_table", main.__doc__ or "")
    parser.add_argument("--output", metavar="FILE", help="default: where the sampler reads it")
    parser.add_argument(
        "--power",
        type=float,
        default=0.75,
        help="weight = count ** power; 1 by popularity, 0 alike",
    )
    parser.add_argument(
        "--label", default="", metavar="FIELD", help="count only rows where this field is above 0"
    )
    args = parser.parse_args(argv)
    if not math.isfinite(args.power):
        raise ConfigError(Problem(f"--power is {args.power}", Place("command line")))
    pipeline = load(args.config, cli.edits_from(args))
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
    sys.exit(cli.run(main))
