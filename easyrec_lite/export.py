"""`python -m easyrec_lite.export --config NAME`: SavedModels of a checkpoint."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from easyrec_lite.build_index import add_tuning, tuning_from
from easyrec_lite.core.files import atomic_write, remove_folder
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.process import prepare


def main(argv: Sequence[str]) -> int:
    """Exports a checkpoint: scorer, both towers; with an item table, vectors and recommender."""
    parser = cli.base_parser("python -m easyrec_lite.export", main.__doc__ or "")
    add = parser.add_argument
    add("--checkpoint_path", metavar="PATH", help="a prefix, or a folder")
    add("--export_dir", metavar="DIR", help="where to (default: model_dir/export/final)")
    add(
        "--export_done_file", metavar="NAME", help="write this empty file into the export when done"
    )
    add("--item_path", default="", metavar="FILE", help="item table (default: the config's)")
    cli.add_bool(parser, "--index", False, "also write an approximate index of the item vectors")
    add_tuning(parser)
    cli.add_bool(parser, "--clear_export", False, "remove earlier exports in export_dir first")
    args = parser.parse_args(argv)
    pipeline = cli.pipeline_from(args)
    prepare(pipeline)
    from easyrec_lite.runs.estimator import Estimator
    from easyrec_lite.serving.export import ExportOptions
    from easyrec_lite.serving.folders import exports

    root = Path(args.export_dir or Path(pipeline.config.model_dir, "export", "final"))
    for old in exports(root) if args.clear_export else []:
        remove_folder(old)
    tuning = tuning_from(args) if args.index else None
    options = ExportOptions(args.item_path, tuning)
    folder = Estimator(pipeline).export(root, args.checkpoint_path, options)
    if args.export_done_file:
        atomic_write(folder / args.export_done_file, "")
    print(f"exported to {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
