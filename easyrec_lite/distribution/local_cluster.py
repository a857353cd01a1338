"""A cluster of processes on this machine, each with its TF_CONFIG. No TensorFlow."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

from easyrec_lite.distribution.cluster import VARIABLE

HOST = "127.0.0.1"
POLL_SECONDS = 0.1
# How long processes may take to end by themselves after the chief has ended, or has failed: then
# it may not have announced its end.
END_SECONDS = 30.0
FAILED_SECONDS = 5.0
# What each process runs first: on Linux it asks for SIGTERM when the launcher ends, however it
# does; then the command takes its place.
_STARTER = """
import ctypes, os, signal, sys
launcher, *command = sys.argv[1:]
if sys.platform == "linux":
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
if os.getppid() != int(launcher):
    sys.exit("the launcher has ended")
os.execv(command[0], command)
"""


@dataclass
class ClusterProcess:
    """A process of the cluster.

    Attributes:
      role, index: as in TF_CONFIG.
      process: the running process.
      printer: prints its lines.
      reported: whether its end was printed.
    """

    role: str
    index: int
    process: subprocess.Popen[bytes]
    printer: threading.Thread
    reported: bool = False

    @property
    def name(self) -> str:
        """Such as `worker 1`."""
        return f"{self.role} {self.index}"

    @property
    def code(self) -> int | None:
        """The exit code, 128 + the signal's number if one ended it; None while it runs."""
        code = self.process.poll()
        return code if code is None or code >= 0 else 128 - code


@dataclass
class LocalCluster:
    """Starts the processes, prefixes their lines with their names, and ends them.

    As a context manager it leaves no process behind. On Linux the processes also get SIGTERM when
    this process is killed, or when the thread that started them ends.

    Args:
      counts: role → number of processes, e.g. {"chief": 1, "worker": 2, "ps": 2}.
      command: what each process runs, after the Python interpreter.
      out: the stream for their lines.
    """

    counts: Mapping[str, int]
    command: Sequence[str]
    out: BinaryIO = field(default_factory=lambda: sys.stdout.buffer)
    members: list[ClusterProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._addresses: dict[str, list[str]] = {}

    def __enter__(self) -> LocalCluster:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    def start(self) -> None:
        """Starts all processes, on free ports."""
        ports = iter(free_ports(sum(self.counts.values())))
        self._addresses = {
            role: [f"{HOST}:{next(ports)}" for _ in range(count)]
            for role, count in self.counts.items()
            if count
        }
        self.members.clear()
        for role, count in self.counts.items():
            for index in range(count):
                self.members.append(self._start(role, index))

    def _start(self, role: str, index: int) -> ClusterProcess:
        task = {"type": role, "index": index}
        config = json.dumps({"cluster": self._addresses, "task": task})
        process = subprocess.Popen(
            [*starter(), sys.executable, *self.command],
            env={**os.environ, VARIABLE: config, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # only the launcher passes an interrupt from the keyboard on
        )
        printer = threading.Thread(target=self._print, args=(f"{role} {index}", process.stdout))
        printer.start()
        return ClusterProcess(role, index, process, printer)

    def _print(self, name: str, lines: BinaryIO) -> None:
        for line in lines:
            with suppress(BrokenPipeError):  # go on reading, or the process would block
                self._say(name, line.rstrip(b"\n"))

    def _say(self, name: str, line: bytes) -> None:
        with self._lock:
            self.out.write(f"[{name}] ".encode() + line + b"\n")
            self.out.flush()

    def say(self, text: str) -> None:
        """Prints a line of the launcher."""
        self._say("launch", text.encode())

    @property
    def chief(self) -> ClusterProcess:
        """The process whose end ends the run: the chief, or else worker 0."""
        return next(m for m in self.members if m.role == "chief" or not self.counts.get("chief"))

    def restart(self, member: ClusterProcess) -> None:
        """Restarts a process that has ended, at the same address."""
        at = self.members.index(member)
        self.members[at] = self._start(member.role, member.index)

    def ended(self) -> list[ClusterProcess]:
        """Returns, and prints, the processes that ended since the last call."""
        ended = [m for m in self.members if m.code is not None and not m.reported]
        for member in ended:
            member.printer.join()
            member.reported = True
            self.say(f"{member.name}, process {member.process.pid}, ended with code {member.code}")
        return ended

    def finish(self, grace: float) -> None:
        """Waits for the processes to end after the chief, and ends those that do not.

        After a successful chief the evaluator may take as long as it needs.
        """
        failed = self.chief.code != 0
        others = [m for m in self.members if failed or m.role != "evaluator"]
        self._wait(FAILED_SECONDS if failed else END_SECONDS, others)
        self.terminate(grace, others)
        self._wait(float("inf"), self.members)

    def terminate(self, grace: float, members: Sequence[ClusterProcess] | None = None) -> None:
        """Sends SIGTERM to the processes, or some of them, and SIGKILL `grace` seconds later."""
        chosen = self.members if members is None else members
        _signal(chosen, signal.SIGTERM)
        self._wait(grace, chosen)
        _signal(chosen, signal.SIGKILL)
        self._wait(END_SECONDS, chosen)

    def kill(self) -> None:
        """Kills all processes."""
        _signal(self.members, signal.SIGKILL)
        for member in self.members:
            member.process.wait()
            member.printer.join()

    def _wait(self, seconds: float, members: Sequence[ClusterProcess]) -> None:
        end = time.monotonic() + seconds
        while any(member.code is None for member in members) and time.monotonic() < end:
            self.ended()
            time.sleep(POLL_SECONDS)
        self.ended()


def starter() -> list[str]:
    """Returns the words before a command that make its process get SIGTERM when this one ends."""
    return [sys.executable, "-I", "-S", "-c", _STARTER, str(os.getpid())]


def _signal(members: Sequence[ClusterProcess], number: signal.Signals) -> None:
    for member in members:
        if member.code is None:
            member.process.send_signal(number)


def free_ports(count: int) -> list[int]:
    """Returns ports of this machine that are free now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for taken in sockets:
            taken.bind((HOST, 0))
        return [taken.getsockname()[1] for taken in sockets]
    finally:
        for taken in sockets:
            taken.close()
