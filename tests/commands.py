"""Commands as tests call them, in this process."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Protocol

from easyrec_lite.runs import command_line as cli


class Command(Protocol):
    """The module of a command."""

    def parser(self) -> cli.Parser: ...

    def main(self, args: Namespace) -> int | None: ...


def run(command: Command, argv: Sequence[object]) -> int:
    """Returns the exit code of a command, its errors printed."""
    return cli.run(command.parser, command.main, [str(word) for word in argv])


def call(command: Command, argv: Sequence[object]) -> int:
    """Returns the exit code of a command; its errors are raised."""
    return command.main(command.parser().parse_args([str(word) for word in argv])) or 0
