"""`python -m easyrec_lite.export --config NAME`: SavedModels of a checkpoint."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from easyrec_lite import cli
from easyrec_lite.files import atomic_write
from easyrec_lite.runtime import prepare


def main(argv: Sequence[str]) -> int:
    """Exports scorer, user tower and item tower of the newest checkpoint, or of the one given."""
    parser = cli.base_parser("python -m easyrec_lite.export", main.__doc__ or "")
    add = parser.add_argument
    add("--checkpoint_path", metavar="PATH", help="a prefix, or a folder")
    add("--export_dir", metavar="DIR", help="where to (default: model_dir/export/final)")
    add("--export_done_file", metavar="NAME", help="write this empty file into the export when done")
    cli.add_bool(parser, "--clear_export", False, "remove earlier exports in export_dir first")
    args = parser.parse_args(argv)
    pipeline = cli.pipeline_from(args)
    prepare(pipeline)
    from easyrec_lite.estimator import Estimator
    from easyrec_lite.serving.export import exports

    root = Path(args.export_dir or Path(pipeline.config.model_dir, "export", "final"))
    for old in exports(root) if args.clear_export else []:
        shutil.rmtree(old)
    folder = Estimator(pipeline).export(root, args.checkpoint_path)
    if args.export_done_file:
        atomic_write(folder / args.export_done_file, "")
    print(f"exported to {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(cli.run(main))
