"""What all commands share: the parser of their flags, and how they end.

A command is a module with two functions: `parser() -> Parser` declares its flags, and
`main(args) -> int | None` does the work and returns the exit code. Nothing here imports TensorFlow
or reads a config, so `--help` answers at once.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from absl import app, flags
from absl.flags import argparse_flags

from easyrec_lite.checks.separator import unescaped
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ConfigError, Place, Problem, ProblemError, nearest
from easyrec_lite.runs.commands import COMMANDS
from easyrec_lite.runs.logs import set_up_logs

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
# Suffixes of files that a reader would take for something other than delimited text.
OTHER_FORMATS = (".json", ".jsonl", ".xlsx", ".npy", ".npz", ".gz", ".feather", ".tfrecord")
LOG_FLAGS = "Flags of absl, such as --verbosity, --logtostderr and --log_dir: see --helpfull."


class Parser(argparse_flags.ArgumentParser):
    """An argument parser that takes edit flags and absl's flags, and raises `ConfigError`s.

    Args:
      command: the command's name, e.g. `train`; its line in `COMMANDS` describes it.
      examples: what to type after the command's name, one or two examples.
      notes: further lines below the flags.
      kwargs: as of `argparse.ArgumentParser`.
    """

    _given: Sequence[str] = ()

    def __init__(
        self, command: str = "", examples: Sequence[str] = (), notes: str = "", **kwargs: Any
    ):
        if command:
            kwargs.setdefault("prog", f"python -m easyrec_lite.{command}")
            kwargs.setdefault("description", COMMANDS[command])
        lines = ["example:" if len(examples) == 1 else "examples:"] if examples else []
        lines += [f"  %(prog)s {example}" for example in examples]
        kwargs.setdefault("epilog", "\n".join([*lines, "", *notes.splitlines(), LOG_FLAGS]))
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **kwargs)

    def parse_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """Returns the parsed flags; `config_edits` holds the edit flags, path → value.

        Raises:
          ConfigError: an unknown flag, or a value that its flag cannot take.
        """
        edits, rest = split_edits(sys.argv[1:] if args is None else args)
        self._given = rest
        try:
            parsed, unknown = self.parse_known_args(rest, namespace)
        except ProblemError:
            raise
        except (flags.Error, ValueError) as error:  # a value that a flag of absl cannot take
            self.error(str(error))
        if unknown:
            raise ConfigError([self._unknown(flag) for flag in unknown])
        parsed.config_edits = edits
        return parsed

    def error(self, message: str) -> NoReturn:
        """Raises what argparse would print; beside a missing flag also those that are unknown."""
        problems = [Problem(message, COMMAND_LINE, remedy=f"see {self.prog} --help")]
        if message.startswith("the following arguments are required"):
            names = [flag for flag in self._given if re.match(r"--\w", flag)]
            known = {*self._option_string_actions}
            problems += [self._unknown(flag) for flag in names if flag.split("=")[0] not in known]
        raise ConfigError(problems)

    def _unknown(self, flag: str) -> Problem:
        shown = re.findall(r"--[\w.-]+", self.format_help()) + [f"--{name}" for name in SECTIONS]
        name = re.split(r"[=.\[]", flag)[0]
        kind = "flag" if flag.startswith("-") else "argument"
        return Problem(
            f"unknown {kind} {flag}",
            COMMAND_LINE,
            nearest=nearest(name, dict.fromkeys(shown)),
            remedy=f"see {self.prog} --help",
        )


def run(
    parser: Callable[[], Parser],
    main: Callable[[Namespace], int | None],
    argv: Sequence[str] | None = None,
    prog: str = "",
) -> int:
    """Runs a command under `absl.app`, and returns its exit code.

    Problems of the config, the data or the file system are printed without a traceback (2, or 75
    when another process of a cluster was lost); an interrupt gives 130; a reader that closed the
    pipe gives 141, silently.

    Args:
      parser: the command's function of that name.
      main: likewise.
      argv: what follows the command's name; default: that of the process.
      prog: what the help calls the command; default: as its parser says.
    """

    def parse(words: Sequence[str]) -> Namespace:
        made = parser()
        made.prog = prog or made.prog
        return made.parse_args(words[1:])

    def call(args: Namespace) -> int:
        set_up_logs()
        code = main(args)
        sys.stdout.flush()
        return code or 0

    try:
        app.run(call, argv=sys.argv if argv is None else [sys.argv[0], *argv], flags_parser=parse)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except ProblemError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stdout = fs.open_text(os.devnull, "w")  # the exit flushes it
        return 141
    except OSError as error:
        if error.errno is None:
            raise
        where = f"{error.filename}: " if error.filename else ""
        print(f"{where}error: {error.strerror}", file=sys.stderr)
        return 2
    return 0


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
    shown = "the config's" if default is None else str(default).lower()
    parser.add_argument(
        flag,
        nargs="?",
        const=True,
        default=default,
        type=_boolean,
        metavar="true|false",
        help=f"{description} (default: {shown})",
    )


def positive(text: str) -> int:
    """Returns a flag's value as a whole number above 0, for argparse.

    Raises:
      argparse.ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return int(text)


def table_file(text: str) -> str:
    """Returns the path of a table to write, for argparse: Parquet, or delimited text.

    Raises:
      argparse.ArgumentTypeError: the suffix names a format that is not written.
    """
    suffix = os.path.splitext(text)[1].lower()
    if suffix in OTHER_FORMATS:
        raise argparse.ArgumentTypeError(
            f"{text}: {suffix} is not written; name a .parquet file, or .csv for delimited text"
        )
    return text


def add_text_flags(parser: argparse._ActionsContainer) -> None:
    """Adds the flags that say how delimited text is written."""
    parser.add_argument(
        "--output_sep",
        type=separator,
        default=",",
        metavar="CHARACTER",
        help="separator of delimited text (default: ,)",
    )
    add_bool(
        parser,
        "--guard_formulas",
        False,
        "in delimited text, write ' before text that a spreadsheet would take for a formula",
    )


def separator(text: str) -> str:
    """Returns the character between the cells of delimited text, for argparse.

    Raises:
      argparse.ArgumentTypeError: it is no single character, or a quote or line end.
    """
    given = unescaped(text).decode()
    if len(given) != 1 or given in '"\r\n':
        raise argparse.ArgumentTypeError(f"{text!r}: give one character, no quote and no line end")
    return given


def names(text: str) -> list[str]:
    """Returns the names in a flag's value, separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


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
        path, value = path_and_value(match.group(1))
        if value is None and waiting and (waiting[0][:1] != "-" or NUMBER.fullmatch(waiting[0])):
            value = waiting.pop(0)
        if value is None:
            raise ConfigError(Problem(f"{argument} needs a value", COMMAND_LINE))
        edits[path] = _flag_value(value)
    return edits, rest


def path_and_value(text: str) -> tuple[str, str | None]:
    """Splits an edit at its first `=` outside brackets, where it belongs to a comparison.

    Returns:
      The path, and the value; None when there is no `=`.
    """
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


def _boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered in ("true", "1", "yes"):
        return True
    if lowered in ("false", "0", "no"):
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
