"""`easyrec-lite COMMAND …`, or `python -m easyrec_lite COMMAND …`: lists and runs all commands."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from easyrec_lite.core.errors import Problem, nearest
from easyrec_lite.runs import command_line as cli
from easyrec_lite.runs.commands import COMMANDS

HELP = ("-h", "--help", "--helpshort", "--helpfull", "help")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command that the first word names, and returns its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    prog = _prog()
    if not words or words[0] in HELP:
        print(_listing(prog))
        return 0
    name, *rest = words
    if name == "--version":
        from easyrec_lite import __version__

        print(f"easyrec_lite {__version__}")
        return 0
    if name not in COMMANDS:
        print(_unknown(prog, name), file=sys.stderr)
        return 2
    command = importlib.import_module(_module(name))
    return cli.run(command.parser, command.main, rest, f"{prog} {name}")


def _module(name: str) -> str:
    """Returns the module of a command; that of a package is its `__main__`."""
    spec = importlib.util.find_spec(f"easyrec_lite.{name}")
    is_package = spec is not None and spec.submodule_search_locations is not None
    return f"easyrec_lite.{name}.__main__" if is_package else f"easyrec_lite.{name}"


def _prog() -> str:
    name = Path(sys.argv[0]).name
    return "python -m easyrec_lite" if name == "__main__.py" else name


def _listing(prog: str) -> str:
    width = max(map(len, COMMANDS))
    return "\n".join(
        [
            f"usage: {prog} COMMAND [flags]",
            "",
            "Config-driven training of retrieval models on TensorFlow, for EasyRec configs.",
            "",
            "commands:",
            *(f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items()),
            "",
            f"{prog} COMMAND --help shows the flags of a command, {prog} --version the version.",
        ]
    )


def _unknown(prog: str, name: str) -> Problem:
    return Problem(
        f"unknown command {name!r}",
        cli.COMMAND_LINE,
        expected="one of " + ", ".join(COMMANDS),
        nearest=nearest(name, COMMANDS),
        remedy=f"see {prog} --help",
    )


if __name__ == "__main__":
    sys.exit(main())
