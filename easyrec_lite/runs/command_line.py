"""What all commands share: their flags, edits of the config by flags, and how errors end.

Nothing here imports TensorFlow, so `--help` answers at once.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from easyrec_lite.checks.check import load_config
from easyrec_lite.config import Pipeline
from easyrec_lite.config.save import CONFIG_FILE
from easyrec_lite.core.errors import ConfigError, Place, Problem, ProblemError, nearest
from easyrec_lite.core.files import missing
from easyrec_lite.core.json_input import parse_json
from easyrec_lite.core.registry import import_plugins
from easyrec_lite.serving.checksums import verify
from easyrec_lite.serving.manifest import MANIFEST, read_manifest

SECTIONS = (
    "train_config",
    "eval_config",
    "data_config",
    "feature_config",
    "model_config",
    "export_config",
)
EDIT_FLAG = re.compile(rf"--((?:{'|'.join(SECTIONS)})[.\[].*)", re.DOTALL)
NUMBER = re.compile(r"-[.\d].*")
COMMAND_LINE = Place("command line")
CONFIG_FLAGS = {
    "model_dir": "model_dir",
    "train_input_path": "train_input_path",
    "eval_input_path": "eval_input_path",
    "fine_tune_checkpoint": "train_config.fine_tune_checkpoint",
}
EPILOG = (
    "Any field of the config can be set by its path: --train_config.num_steps=100, "
    "--feature_config.features[0].embedding_dim 16; for the sections " + ", ".join(SECTIONS) + "."
)


class Parser(argparse.ArgumentParser):
    """An argument parser that takes edit flags, and whose errors are `ConfigError`s."""

    _given: Sequence[str] = ()

    def parse_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """Returns the parsed flags; `config_edits` holds the edit flags, path → value.

        Raises:
          ConfigError: an unknown flag, or a value that its flag cannot take.
        """
        edits, rest = split_edits(sys.argv[1:] if args is None else args)
        self._given = rest
        found, unknown = self.parse_known_args(rest, namespace)
        if unknown:
            raise ConfigError([self._unknown(flag) for flag in unknown])
        found.config_edits = edits
        return found

    def error(self, message: str) -> NoReturn:
        """Raises what argparse would print; beside a missing flag also those that are unknown."""
        problems = [Problem(message, COMMAND_LINE, remedy=f"see {self.prog} --help")]
        if message.startswith("the following arguments are required"):
            names = [flag for flag in self._given if re.match(r"--\w", flag)]
            known = self._known()
            problems += [self._unknown(flag) for flag in names if flag.split("=")[0] not in known]
        raise ConfigError(problems)

    def _known(self) -> list[str]:
        """Returns the flags, and the sections of the config that edit flags begin with."""
        return re.findall(r"--[\w.-]+", self.format_help()) + [f"--{name}" for name in SECTIONS]

    def _unknown(self, flag: str) -> Problem:
        known = self._known()
        name = re.split(r"[=.\[]", flag)[0]
        kind = "flag" if flag.startswith("-") else "argument"
        return Problem(
            f"unknown {kind} {flag}",
            COMMAND_LINE,
            nearest=nearest(name, dict.fromkeys(known)),
            remedy=f"see {self.prog} --help",
        )


def base_parser(prog: str, description: str, config_required: bool = True) -> Parser:
    """Returns a parser with the flags that all commands on a config share.

    Args:
      prog: how the command is called, e.g. `python -m easyrec_lite.train`.
      description: what it does.
      config_required: whether the command cannot do without `--config`.
    """
    parser = Parser(prog=prog, description=description, epilog=EPILOG, allow_abbrev=False)
    add = parser.add_argument
    add(
        "--config",
        "--pipeline_config_path",
        required=config_required,
        metavar="NAME",
        help="config file (text, or .json), or the name of a config that comes with the package",
    )
    add(
        "--edit_config_json",
        metavar="JSON",
        help="""edits, config path to value: '{"train_config.num_steps": 100}'""",
    )
    add(
        "--import",
        dest="plugins",
        action="append",
        default=[],
        metavar="MODULE",
        help="module to import that registers models, layers or functions of yours; repeatable",
    )
    add("--model_dir", metavar="DIR", help="folder of checkpoints, exports and summaries")
    add(
        "--train_input_path",
        metavar="FILES",
        help="training data: files, globs, folders, by commas",
    )
    add("--eval_input_path", metavar="FILES", help="evaluation data, likewise")
    add("--fine_tune_checkpoint", metavar="PATH", help="checkpoint to take initial weights from")
    add_bool(parser, "--continue_train", True, "go on from the newest checkpoint in the model_dir")
    return parser


def add_bool(
    parser: argparse._ActionsContainer, flag: str, default: bool | None, description: str
) -> None:
    """Adds a flag that is given as `--flag`, `--flag=true` or `--flag=false`.

    Args:
      parser: a parser, or a group of flags in one.
      flag: its name.
      default: what it is when it is not given; None leaves that to the config.
      description: what it does.
    """
    told = "the config" if default is None else str(default).lower()
    parser.add_argument(
        flag,
        nargs="?",
        const=True,
        default=default,
        type=_boolean,
        metavar="true|false",
        help=f"{description} (default: {told})",
    )


def split_edits(argv: Sequence[str]) -> tuple[dict[str, object], list[str]]:
    """Returns the edit flags, `--train_config.x=y` or `--train_config.x y`, and all the rest.

    Raises:
      ConfigError: an edit flag without a value.
    """
    edits: dict[str, object] = {}
    rest: list[str] = []
    waiting = list(argv)
    while waiting:
        argument = waiting.pop(0)
        match = EDIT_FLAG.fullmatch(argument)
        if match is None:
            rest.append(argument)
            continue
        path, value = _path_and_value(match.group(1))
        if value is None and waiting and (waiting[0][:1] != "-" or NUMBER.fullmatch(waiting[0])):
            value = waiting.pop(0)
        if value is None:
            raise ConfigError(Problem(f"{argument} needs a value", COMMAND_LINE))
        edits[path] = _flag_value(value)
    return edits, rest


def edits_from(args: argparse.Namespace) -> dict[str, object]:
    """Returns the edits of all flags, config path → value; the more special flag comes later.

    Raises:
      ConfigError: `--edit_config_json` is not a JSON object.
    """
    edits = _json_edits(args.edit_config_json) if args.edit_config_json else {}
    for flag, path in CONFIG_FLAGS.items():
        value = getattr(args, flag, None)
        if value is not None:
            edits[path] = value
    return {**edits, **args.config_edits}


def pipeline_from(args: argparse.Namespace) -> Pipeline:
    """Imports the plug-ins, then loads and checks the config with the edits of the flags.

    Raises:
      ConfigError: all problems of the config, the edits or the plug-ins.
    """
    import_plugins(args.plugins)
    return load_config(args.config, edits_from(args))


def positive(text: str) -> int:
    """Returns a flag's value as a whole number above 0, for argparse.

    Raises:
      argparse.ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return int(text)


def names(text: str) -> list[str]:
    """Returns the names in a flag's value, separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def exported_pipeline(args: argparse.Namespace, flag: str = "saved_model_dir") -> Pipeline:
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
    if folder is None:
        raise ConfigError(
            Problem(
                f"neither --{flag} nor --config is given",
                COMMAND_LINE,
                remedy=f"give --{flag}, the folder of a trained model",
            )
        )
    if not Path(folder).is_dir():
        raise ConfigError(missing(folder))
    for above in (Path(folder), Path(folder).parent):
        if (above / CONFIG_FILE).is_file():
            if (above / MANIFEST).is_file():
                verify(above, read_manifest(above)["files"], [CONFIG_FILE])
            return above / CONFIG_FILE
    raise ConfigError(
        Problem(
            "no pipeline.config in this folder, nor in the one above",
            Place(folder),
            expected="a model folder, or one of its exports",
            remedy=f"mend --{flag}, or name the config by --config",
        )
    )


def run(main: Callable[[Sequence[str]], int | None], argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code.

    Problems of the config, the data or the file system are printed without a traceback (2, or 75
    when another process of a cluster was lost); an interrupt gives 130; a reader that closed the
    pipe gives 141, silently.
    """
    try:
        code = main(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return code or 0
    except ProblemError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - the exit flushes it
        return 141
    except OSError as error:
        if error.errno is None:
            raise
        where = f"{error.filename}: " if error.filename else ""
        print(f"{where}error: {error.strerror}", file=sys.stderr)
        return 2


def _path_and_value(text: str) -> tuple[str, str | None]:
    """Splits at the first `=` outside brackets, where it belongs to a comparison."""
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]")
        if letter == "=" and depth == 0:
            return text[:at], text[at + 1 :]
    return text, None


def _flag_value(text: str) -> object:
    """Returns a list or dict written as JSON, anything else as the string it is."""
    if text[:1] not in ("[", "{"):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _json_edits(text: str) -> dict[str, object]:
    edits = parse_json(text, "--edit_config_json", ConfigError)
    if not isinstance(edits, dict):
        place = Place("--edit_config_json")
        expected = """an object, '{"train_config.num_steps": 100}'"""
        raise ConfigError(Problem("not a JSON object", place, expected=expected, found=text))
    return edits


def _boolean(text: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in words:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return words[text.lower()]
