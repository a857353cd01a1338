"""`python -m easyrec_lite.launch --workers 2 -- train --config …`: tries a cluster on this machine.

Each process gets its TF_CONFIG; its lines are printed after its name. When the chief ends, the run
ends with its exit code. SIGTERM and an interrupt are passed on; what does not end is killed.
"""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from collections.abc import Sequence

from easyrec_lite.core.errors import ConfigError, Problem, nearest
from easyrec_lite.runs import command_line as cli

LAUNCHED = ("train",)
EXAMPLES = (
    "--workers 2 -- train --config my.config \\\n"
    "    --train_config.train_distribute=MultiWorkerMirroredStrategy",
)


class _Parser(cli.Parser):
    """Leaves what follows `--` to the command that is launched."""

    def parse_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """Returns the flags of the launcher; `command` holds the words after `--`.

        Raises:
          ConfigError: a flag is wrong, or no command is given.
        """
        own, command = _split(sys.argv[1:] if args is None else args)
        parsed = super().parse_args(own, namespace)
        if not command or command[0] not in LAUNCHED:
            raise ConfigError(_no_command(self.prog, command))
        parsed.command = command
        return parsed


def parser() -> cli.Parser:
    """Returns the command's flags."""
    made = _Parser("launch", EXAMPLES, usage="%(prog)s [flags] -- train --config NAME [flags]")
    add = made.add_argument
    add(
        "--workers",
        type=cli.positive,
        default=2,
        metavar="N",
        help="processes that train (default: 2)",
    )
    add(
        "--ps",
        type=_count,
        default=0,
        metavar="N",
        help="parameter servers, which need a chief (default: 0)",
    )
    add(
        "--chief",
        action="store_true",
        help="a chief beside the workers; otherwise worker 0 is the chief",
    )
    add("--evaluator", action="store_true", help="a process that evaluates each checkpoint")
    add(
        "--restart",
        type=_count,
        default=0,
        metavar="N",
        help="restart lost processes, or the whole cluster, at most N times (default: 0)",
    )
    add(
        "--grace",
        type=_count,
        default=60,
        metavar="SECONDS",
        help="time between SIGTERM and SIGKILL (default: 60)",
    )
    return made


def main(args: Namespace) -> int:
    """Runs the cluster to its end and returns the chief's exit code, or the evaluator's if 0."""
    from easyrec_lite.distribution.local_cluster import LocalCluster
    from easyrec_lite.distribution.supervision import supervise

    counts = {
        "chief": int(args.chief or args.ps > 0),
        "worker": args.workers,
        "ps": args.ps,
        "evaluator": int(args.evaluator),
    }
    command, *flags = args.command
    cluster = LocalCluster(counts, ["-m", f"easyrec_lite.{command}", *flags])
    return supervise(cluster, args.restart, args.grace)


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Returns the flags of the launcher, and the command after `--`."""
    words = list(argv)
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def _no_command(prog: str, command: Sequence[str]) -> Problem:
    return Problem(
        f"unknown command {command[0]!r}" if command else "no command to run",
        cli.COMMAND_LINE,
        expected=f"{prog} --workers 2 -- train --config NAME",
        nearest=nearest(command[0], LAUNCHED) if command else "",
        remedy="write the command after two dashes",
    )


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a whole number")
    return int(text)


if __name__ == "__main__":
    sys.exit(cli.run(parser, main))
