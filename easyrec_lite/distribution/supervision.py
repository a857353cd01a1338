"""Supervises a local cluster: restarts lost processes, passes signals on, returns its exit code."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from types import FrameType

from easyrec_lite.core.errors import PeerLost
from easyrec_lite.distribution.local_cluster import POLL_SECONDS, LocalCluster

# Codes of a chief that lost another process, also while it connected to it, or was killed itself.
LOST = (PeerLost.exit_code, 128 + signal.SIGALRM, 128 + signal.SIGKILL)


def supervise(cluster: LocalCluster, restarts: int = 0, grace: float = 60.0) -> int:
    """Runs a cluster until it ends or receives SIGTERM; leaves no process behind.

    Args:
      cluster: not started yet.
      restarts: how often lost processes, or the whole cluster, may be restarted.
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
    """Returns the command without `--continue_train=false`, which would restart at step 0."""
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
    cluster.say(f"stopping; what still runs in {grace:g} seconds is killed")
    try:
        if cluster.counts.get("ps"):
            cluster.terminate(grace, [cluster.chief])
        cluster.terminate(grace)
    except KeyboardInterrupt:
        cluster.kill()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
