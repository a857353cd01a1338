"""The commands that give an export its items."""

from __future__ import annotations

import shlex
from pathlib import Path

from easyrec_lite.checks.item_id import item_table
from easyrec_lite.config import Pipeline

OUTPUT = "items.txt"


def items_remedy(pipeline: Pipeline, config: Path, exports: Path | None = None) -> str:
    """Returns the commands that make an item table and an export with it.

    Args:
      pipeline: the config.
      config: a file of it.
      exports: the folder of the export, where it is not that of the model folder.
    """
    own = item_table(pipeline.config)
    flags = f"--config {shlex.quote(str(config))}"
    folder = f" --export_dir {shlex.quote(str(exports))}" if exports else ""
    table, path = ("", "") if own else (f" --output {OUTPUT}", f" --item_path {OUTPUT}")
    make = f"python -m easyrec_lite.make_item_table {flags}{table}"
    export = f"python -m easyrec_lite.export {flags}{folder}{path}"
    return f"make the table: {make}; then export again: {export}"
