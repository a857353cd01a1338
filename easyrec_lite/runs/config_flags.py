"""The flags of commands on a config, and the config that they give.

Configs are read by what is imported once they are needed, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Place, Problem
from easyrec_lite.core.json_input import parse_json
from easyrec_lite.core.registry import import_plugins
from easyrec_lite.runs.command_line import COMMAND_LINE, SECTIONS, Parser

if TYPE_CHECKING:
    from easyrec_lite.config import Pipeline

CONFIG_FILE = "pipeline.config"
# Flag → the field of the config that it sets.
FIELDS = {
    "model_dir": "model_dir",
    "train_input_path": "train_input_path",
    "eval_input_path": "eval_input_path",
    "fine_tune_checkpoint": "train_config.fine_tune_checkpoint",
}
_FIELD_FLAGS = {
    "model_dir": ("DIR", "folder of checkpoints, exports and summaries"),
    "train_input_path": ("FILES", "training data: files, globs or folders, separated by commas"),
    "eval_input_path": ("FILES", "evaluation data, in the same form"),
    "fine_tune_checkpoint": ("PATH", "checkpoint to load initial weights from"),
}
NOTES = (
    "Any field of the config can be set by its path, e.g. --train_config.num_steps=100 or\n"
    "--feature_config.features[0].embedding_dim 16; for the sections\n" + ", ".join(SECTIONS) + "."
)


def config_parser(
    command: str, examples: Sequence[str], shows: Sequence[str] = (), required: bool = True
) -> Parser:
    """Returns a parser with the flags that commands on a config share.

    Args:
      command: the command's name, e.g. `train`.
      examples: as of `Parser`.
      shows: the flags of `FIELDS` that its help shows; it takes the others too, as the same
        flags are often given to one command after another.
      required: whether the command cannot do without `--config`.
    """
    parser = Parser(command, examples, NOTES)
    add = parser.add_argument
    add(
        "--config",
        "--pipeline_config_path",
        required=required,
        metavar="NAME",
        help="config file (text format, or .json), or the name of a config of the package",
    )
    add(
        "--edit_config_json",
        metavar="JSON",
        help="""edits of the config, path to value: '{"train_config.num_steps": 100}'""",
    )
    add(
        "--import",
        dest="plugins",
        action="append",
        default=[],
        metavar="MODULE",
        help="module that registers components of your own, such as models; repeatable",
    )
    for flag, (metavar, text) in _FIELD_FLAGS.items():
        add(f"--{flag}", metavar=metavar, help=text if flag in shows else argparse.SUPPRESS)
    return parser


def edits_from(args: Namespace) -> dict[str, object]:
    """Returns the edits of all flags, config path → value; the more special flag comes later.

    Raises:
      ConfigError: `--edit_config_json` is not a JSON object.
    """
    edits = _json_edits(args.edit_config_json) if args.edit_config_json else {}
    for flag, path in FIELDS.items():
        value = getattr(args, flag)
        if value is not None:
            edits[path] = value
    return {**edits, **args.config_edits}


def pipeline_from(args: Namespace) -> Pipeline:
    """Imports the plug-ins, then loads and checks the config with the edits of the flags.

    Raises:
      ConfigError: all problems of the config, the edits or the plug-ins.
    """
    from easyrec_lite.checks.check import load_config

    import_plugins(args.plugins)
    return load_config(args.config, edits_from(args))


def exported_pipeline(args: Namespace, flag: str = "saved_model_dir") -> Pipeline:
    """Returns the config on the command line, or else the one in the folder that `flag` names.

    Raises:
      ConfigError: neither is there, or as of `pipeline_from`.
      DataError: the config of an export is not as it was written.
    """
    if args.config is None:
        args.config = str(_config_beside(getattr(args, flag), flag))
    if getattr(args, "with_header", False):
        args.config_edits["data_config.with_header"] = "true"
    return pipeline_from(args)


def _config_beside(folder: str | None, flag: str) -> Path:
    from easyrec_lite.core.files import missing
    from easyrec_lite.serving.checksums import verify
    from easyrec_lite.serving.manifest import MANIFEST, exports, read_manifest

    if folder is None:
        raise ConfigError(
            Problem(
                f"neither --{flag} nor --config is given",
                COMMAND_LINE,
                remedy=f"give --{flag}, the folder of a trained model",
            )
        )
    if not fs.is_dir(folder):
        raise ConfigError(missing(folder))
    given = Path(folder)
    for beside in (given, *reversed(exports(given)), given.parent):
        if fs.is_file(beside / CONFIG_FILE):
            if fs.is_file(beside / MANIFEST):
                verify(beside, read_manifest(beside)["files"], [CONFIG_FILE])
            return beside / CONFIG_FILE
    raise ConfigError(
        Problem(
            f"no {CONFIG_FILE} in this folder, in an export in it, nor in the folder above",
            Place(folder),
            expected="a model folder, an export, or a folder of exports",
            remedy=f"correct --{flag}, or name the config by --config",
        )
    )


def _json_edits(text: str) -> dict[str, object]:
    edits = parse_json(text, "--edit_config_json", ConfigError)
    if not isinstance(edits, dict):
        place = Place("--edit_config_json")
        expected = """an object, '{"train_config.num_steps": 100}'"""
        raise ConfigError(Problem("not a JSON object", place, expected=expected, found=text))
    return edits
