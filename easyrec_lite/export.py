"""`python -m easyrec_lite.export --config NAME`: SavedModels of a checkpoint."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.config_flags import config_parser, pipeline_from
from easyrec_lite.runs.index_flags import add_tuning, tuning_from

EXAMPLES = (
    "--config experiments/dssm_senet_on_taobao/pipeline.config",
    "--config experiments/dssm_senet_on_taobao/pipeline.config --export_dir exports --index",
)


def parser() -> cli.Parser:
    """Returns the command's flags."""
    made = config_parser("export", EXAMPLES, ("model_dir", "train_input_path", "eval_input_path"))
    add = made.add_argument
    add("--checkpoint_path", metavar="PATH", help="a prefix, or a folder (default: model_dir)")
    add(
        "--export_dir",
        metavar="DIR",
        help="folder of the exports (default: model_dir/export/final)",
    )
    add("--export_done_file", metavar="NAME", help="write an empty file of this name at the end")
    add("--item_path", default="", metavar="FILE", help="item table (default: the config's)")
    cli.add_bool(made, "--index", False, "also write an approximate index of the item vectors")
    add_tuning(made)
    cli.add_bool(made, "--clear_export", False, "remove earlier exports in export_dir first")
    return made


def main(args: Namespace) -> None:
    """Exports as the flags say."""
    pipeline = pipeline_from(args)
    from easyrec_lite.runs.process import prepare

    prepare(pipeline)
    from easyrec_lite.core.files import atomic_write, remove_folder
    from easyrec_lite.runs.estimator import Estimator
    from easyrec_lite.serving.export import ExportOptions
    from easyrec_lite.serving.manifest import exports

    root = Path(args.export_dir or Path(pipeline.config.model_dir, "export", "final"))
    for old in exports(root) if args.clear_export else []:
        remove_folder(old)
    options = ExportOptions(args.item_path, tuning_from(args) if args.index else None)
    folder = Estimator(pipeline).export(root, args.checkpoint_path, options)
    if args.export_done_file:
        atomic_write(folder / args.export_done_file, "")
    print(f"exported to {folder}")


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
