"""Tries a cluster on this machine: `python -m easyrec_lite.launch --workers 2 -- train --config …`.

Each process gets its TF_CONFIG; its lines are printed after its name. The chief's end ends the
run, with its exit code. SIGTERM and an interrupt are passed on; what does not end is killed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType

from easyrec_lite.core.errors import ConfigError, PeerLost, Problem, nearest
from easyrec_lite.distribution.local_cluster import POLL_SECONDS, LocalCluster
from easyrec_lite.runs.command_line import COMMAND_LINE, Parser, positive, run

COMMANDS = ("train",)
# Codes of a chief that lost another process, or was killed itself.
LOST = (PeerLost.exit_code, 128 + signal.SIGKILL)
PROG = "python -m easyrec_lite.launch"


def main(argv: Sequence[str]) -> int:
    """Runs the cluster to its end and returns the chief's exit code, or the evaluator's if 0.

    Raises:
      ConfigError: a flag is wrong, or no command is given.
    """
    own, command = _split(argv)
    args = _parser().parse_args(own)
    counts = {
        "chief": int(args.chief or args.ps > 0),
        "worker": args.workers,
        "ps": args.ps,
        "evaluator": int(args.evaluator),
    }
    cluster = LocalCluster(counts, ["-m", f"easyrec_lite.{command[0]}", *command[1:]])
    return supervise(cluster, args.restart, args.grace)


def supervise(cluster: LocalCluster, restarts: int = 0, grace: float = 60.0) -> int:
    """Starts a cluster, and sees to it until it ends or is told to; leaves no process behind.

    Args:
      cluster: not started yet.
      restarts: how often processes that were lost, or the whole cluster, may start again.
      grace: seconds between SIGTERM and SIGKILL.

    Returns:
      The exit code of the chief, or, if that is 0, of the evaluator.
    """
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with cluster:
            return _run(cluster, restarts, grace)
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(cluster: LocalCluster, restarts: int, grace: float) -> int:
    try:
        cluster.start()
        while True:
            restarts = _watch(cluster, restarts)
            if cluster.chief.code not in LOST or not restarts:
                break
            restarts -= 1
            cluster.terminate(grace)
            cluster.say(f"the cluster starts again, {restarts} restarts are left")
            cluster.command = _going_on(cluster.command)
            cluster.start()
        cluster.finish(grace)
    except KeyboardInterrupt:
        _stop(cluster, grace)
    codes = [cluster.chief.code, *(m.code for m in cluster.members if m.role == "evaluator")]
    return next((code for code in codes if code), 0)


def _going_on(command: Sequence[str]) -> Sequence[str]:
    """Returns the command without `--continue_train=false`, which would begin again at step 0."""
    return [word for word in command if not word.startswith("--continue_train")]


def _watch(cluster: LocalCluster, restarts: int) -> int:
    """Returns, once the chief has ended, how many restarts are left.

    A worker of parameter servers, and an evaluator, come back alone; the others of a cluster go on.
    """
    alone = ("worker", "evaluator") if cluster.counts.get("ps") else ("evaluator",)
    while cluster.chief.code is None:
        for member in cluster.ended():
            if member.role in alone and member.code and restarts:
                restarts -= 1
                cluster.say(f"{member.name} starts again, {restarts} restarts are left")
                cluster.restart(member)
        time.sleep(POLL_SECONDS)
    cluster.ended()
    return restarts


def _stop(cluster: LocalCluster, grace: float) -> None:
    """Passes SIGTERM on; parameter servers live until the chief has saved what they hold."""
    cluster.say(f"told to stop; what still runs in {grace:g} seconds is killed")
    try:
        if cluster.counts.get("ps"):
            cluster.terminate(grace, [cluster.chief])
        cluster.terminate(grace)
    except KeyboardInterrupt:
        cluster.kill()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _split(argv: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Returns the flags of the launcher, and the command after `--`."""
    at = list(argv).index("--") if "--" in argv else len(argv)
    own, command = argv[:at], argv[at + 1 :]
    if {"-h", "--help"} & {*own} or (command and command[0] in COMMANDS):
        return own, command
    raise ConfigError(
        Problem(
            f"unknown command {command[0]!r}" if command else "no command to run",
            COMMAND_LINE,
            expected=f"{PROG} --workers 2 -- train --config NAME",
            nearest=nearest(command[0], COMMANDS) if command else "",
            remedy="write the command after two dashes",
        )
    )


def _parser() -> Parser:
    parser = Parser(
        prog=PROG,
        description="Starts a cluster on this machine, for trying and testing.",
        usage=f"{PROG} [flags] -- train --config NAME [flags of train]",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--workers", type=positive, default=2, metavar="N", help="processes that train; default: 2")
    add("--ps", type=_count, default=0, metavar="N", help="parameter servers; with them a chief")
    add("--chief", action="store_true", help="a chief beside the workers; else worker 0 is it")
    add("--evaluator", action="store_true", help="a process that evaluates each checkpoint")
    add(
        "--restart",
        type=_count,
        default=0,
        metavar="N",
        help="start processes that were lost, or the whole cluster, again, at most N times",
    )
    add(
        "--grace",
        type=_count,
        default=60,
        metavar="SECONDS",
        help="time to end after SIGTERM; default: 60",
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a whole number")
    return int(text)


if __name__ == "__main__":
    sys.exit(run(main))
