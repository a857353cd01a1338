"""How the processes of a cluster find each other before TensorFlow connects them. No TensorFlow.

TensorFlow waits for missing processes without a word, for up to an hour, and no signal reaches
Python meanwhile. So the waiting is done here. The steps of a synchronous start:

1. The chief listens at its address. Each other process connects to it and sends its name.
2. While one is missing, every process logs which. After `join_seconds` all end with `PeerLost`.
3. When all are connected, the chief sends "go" on each connection, and all connections are closed:
   the ports are free for TensorFlow.

A process that already runs TensorFlow's server, for example one of an earlier run that has not
ended, accepts connections too, but does not speak this protocol: it does not count as present.
"""

from __future__ import annotations

import logging
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

import easyrec_lite.distribution.addresses as at
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import PeerLost, Place, Problem
from easyrec_lite.core.locks import FILE as LOCK
from easyrec_lite.distribution.cluster import VARIABLE, Cluster

# Seconds between two looks; when to log who is missing, and after how long again.
POLL_SECONDS = 0.2
FIRST_LINE_SECONDS = 3.0
LINE_SECONDS = 30.0
# The messages between the processes, a line each.
HELLO, MISSING, GO, GIVE_UP = b"easyrec_lite ", b"missing ", b"go", b"give up"
log = logging.getLogger(__name__)


def meet(cluster: Cluster) -> None:
    """Waits until all processes of synchronous training are there; they continue together.

    Args:
      cluster: the processes; this one is the chief or a worker.

    Raises:
      RunError: another process listens at this one's port.
      PeerLost: a process did not come within `cluster.join_seconds`.
    """
    chief, *others = cluster.training
    if cluster.name == chief:
        addresses = {name: cluster.training[name] for name in others}
        with closing(Gathering(at.listen(cluster), addresses)) as gathering:
            _gather(cluster, gathering)
    else:
        at.check_port(cluster)
        Attendance(cluster, chief).wait()


def wait_for_servers(cluster: Cluster) -> None:
    """Waits, as the chief, until every parameter server and worker answers at its port.

    Raises:
      RunError: another process listens at the chief's port.
      PeerLost: one of them did not answer within `cluster.join_seconds`.
    """
    at.check_port(cluster)
    waiting = Waiting(cluster)
    missing = {
        f"{role} {index}": address
        for role in ("ps", "worker")
        for index, address in enumerate(cluster.addresses[role])
    }
    while missing := {name: to for name, to in missing.items() if not at.answers(to)}:
        waiting.pause(at.listed(missing))


def wait_for_chief(cluster: Cluster, folder: Path, ended: Callable[[], bool]) -> None:
    """Waits, as a parameter server or worker, for a sign of the chief.

    That is an answer at its port, its lock on the model folder, or the end of its run.

    Args:
      cluster: the processes.
      folder: the model folder.
      ended: whether the run has ended.

    Raises:
      PeerLost: there was no sign within `cluster.join_seconds`.
    """
    waiting = Waiting(cluster)
    address = cluster.addresses["chief"][0]
    while not (ended() or fs.exists(folder / LOCK) or at.answers(address)):
        waiting.pause(at.listed({"chief 0": address}))


class Waiting:
    """Measures the time that a process waits for others, and logs who is missing.

    Args:
      cluster: the processes.
    """

    def __init__(self, cluster: Cluster):
        self._cluster = cluster
        self._start = time.monotonic()
        self._next_line = FIRST_LINE_SECONDS

    def pause(self, missing: str, wait: Callable[[float], object] = time.sleep) -> None:
        """Waits a moment; from time to time it logs who is missing.

        Args:
          missing: the missing processes, as text.
          wait: waits for at most so many seconds.

        Raises:
          PeerLost: the time is up.
        """
        waited = time.monotonic() - self._start
        left = self._cluster.join_seconds - waited
        if left <= 0:
            raise never_came(self._cluster, missing)
        if waited >= self._next_line:
            self._next_line = waited + LINE_SECONDS
            log.info("%s waits for %s, up to %.0f s more", self._cluster.name, missing, left)
        wait(min(POLL_SECONDS, left))


def never_came(cluster: Cluster, missing: str) -> PeerLost:
    """Returns the error that processes are missing at the end of the time."""
    return PeerLost(
        Problem(
            f"processes of this run are missing after {cluster.join_seconds:g} seconds",
            Place(VARIABLE),
            "cluster",
            expected="all processes, started with the same cluster at about the same time",
            found=f"{cluster.name}, without {missing}",
            remedy="see the log of the missing process, and check that its address can be reached; "
            "then start the same command again on all machines, or raise --join_timeout",
        )
    )


class Gathering:
    """The chief's side of a synchronous start: the processes that are connected to it.

    Args:
      listener: the chief's socket.
      others: name → address of the other processes.
    """

    def __init__(self, listener: socket.socket, others: Mapping[str, str]):
        self._listener = listener
        self._others = others
        self._present: dict[str, socket.socket] = {}

    @property
    def missing(self) -> str:
        """The processes that are not connected; "" when all are."""
        return at.listed({n: to for n, to in self._others.items() if n not in self._present})

    def hear(self, seconds: float) -> None:
        """Handles a connection that opens or closes within `seconds`; reports changes to all."""
        before = self.missing
        ready, _, _ = select.select([self._listener, *self._present.values()], [], [], seconds)
        for name, connection in list(self._present.items()):
            if connection in ready:  # the other process sends nothing more, so this is its end
                self._present.pop(name).close()
        if self._listener in ready:
            self._accept()
        if self.missing != before:
            self.tell(MISSING + self.missing.encode())

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.settimeout(at.ANSWER_SECONDS)
        name = _received_name(connection)
        if name not in self._others:
            connection.close()
            return
        if name in self._present:
            self._present.pop(name).close()
        self._present[name] = connection

    def tell(self, line: bytes) -> None:
        """Sends `line` to all connected processes."""
        for connection in self._present.values():
            with suppress(OSError):
                connection.sendall(line + b"\n")

    def close(self) -> None:
        """Closes all connections, after the other processes have closed them."""
        for connection in self._present.values():
            with suppress(OSError):
                connection.recv(1)
            connection.close()
        self._listener.close()


def _received_name(connection: socket.socket) -> str:
    """Returns the name that a new connection sends; "" if it sends none."""
    try:
        with connection.makefile("rb") as lines:
            line = lines.readline(200)
    except OSError:
        return ""
    return line.removeprefix(HELLO).decode(errors="replace").strip()


def _gather(cluster: Cluster, gathering: Gathering) -> None:
    waiting = Waiting(cluster)
    try:
        while missing := gathering.missing:
            waiting.pause(missing, gathering.hear)
    except PeerLost:
        gathering.tell(GIVE_UP)
        raise
    gathering.tell(GO)


class Attendance:
    """The other processes' side of a synchronous start.

    Args:
      cluster: the processes.
      chief: the name of the one that gathers them.
    """

    def __init__(self, cluster: Cluster, chief: str):
        self._cluster = cluster
        self._address = cluster.training[chief]
        self._chief = self._missing = at.listed({chief: self._address})
        self._waiting = Waiting(cluster)

    def wait(self) -> None:
        """Sends the name of this process to the chief, and waits for its "go".

        Raises:
          PeerLost: a process did not come in time.
        """
        while not self._received_go():
            self._missing = self._chief
            self._waiting.pause(self._missing)

    def _received_go(self) -> bool:
        """Returns False if there is no chief, or if the connection to it ends."""
        try:
            with at.connect(self._address) as connection:
                connection.sendall(HELLO + self._cluster.name.encode() + b"\n")
                return any(map(self._take, self._lines(connection)))
        except OSError:
            return False

    def _take(self, line: bytes) -> bool:
        """Returns whether the chief's `line` is "go".

        Raises:
          ConnectionError: the line does not belong to the protocol.
        """
        if line == GIVE_UP:
            raise never_came(self._cluster, self._missing)
        if line.startswith(MISSING):
            self._missing = line.removeprefix(MISSING).decode(errors="replace")
        elif line != GO:
            raise ConnectionError
        return line == GO

    def _lines(self, connection: socket.socket) -> Iterator[bytes]:
        """Yields the lines that are received, until the connection ends."""
        text = b""
        while True:
            self._waiting.pause(self._missing, lambda s: select.select([connection], [], [], s))
            if not select.select([connection], [], [], 0)[0]:
                continue
            more = connection.recv(4096)
            if not more:
                return
            *lines, text = (text + more).split(b"\n")
            yield from lines
