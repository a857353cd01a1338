"""How processes find each other: real processes without TensorFlow, on 127.0.0.1."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from easyrec_lite.core.errors import PeerLost, RunError
from easyrec_lite.distribution import join
from easyrec_lite.distribution.addresses import check_port
from easyrec_lite.distribution.cluster import Cluster
from easyrec_lite.distribution.local_cluster import HOST, free_ports

MEETS = """
import json, logging, sys
from easyrec_lite.core.errors import ProblemError
from easyrec_lite.distribution import join
from easyrec_lite.distribution.cluster import Cluster
logging.basicConfig(format="%(message)s", stream=sys.stdout, level=logging.INFO)
join.FIRST_LINE_SECONDS = join.LINE_SECONDS = 0.2
try:
    role, index, addresses, seconds = json.loads(sys.argv[1])
    join.meet(Cluster(role, index, addresses, seconds))
except ProblemError as error:
    print(error)
    sys.exit(error.exit_code)
except KeyboardInterrupt:
    sys.exit(130)
assert "tensorflow" not in sys.modules
print("together", flush=True)
sys.stdin.read()
"""


class Meeting:
    """Processes that meet, and what they print."""

    def __init__(self, folder: Path, seconds: float = 60.0):
        ports = free_ports(3)
        chief, *workers = (f"{HOST}:{port}" for port in ports)
        self.addresses = {"chief": (chief,), "worker": tuple(workers)}
        self.folder, self.seconds = folder, seconds
        self.started: list[subprocess.Popen[str]] = []

    def cluster(self, role: str, index: int = 0) -> Cluster:
        return Cluster(role, index, self.addresses, self.seconds)

    def start(self, role: str, index: int = 0) -> subprocess.Popen[str]:
        given = json.dumps([role, index, self.addresses, self.seconds])
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", MEETS, given],
            stdin=subprocess.PIPE,
            stdout=self.path(role, index).open("a"),
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def path(self, role: str, index: int) -> Path:
        return self.folder / f"{role}{index}.txt"

    def said(self, role: str, index: int = 0) -> str:
        return self.path(role, index).read_text()

    def last(self, role: str, index: int = 0) -> str:
        return (self.said(role, index).splitlines() or [""])[-1]

    def until(self, ready: Callable[[], object]) -> None:
        end = time.monotonic() + 60
        while not ready():
            assert time.monotonic() < end, [path.read_text() for path in self.folder.iterdir()]
            time.sleep(0.05)


@pytest.fixture
def meeting(tmp_path: Path) -> Iterator[Meeting]:
    made = Meeting(tmp_path)
    yield made
    for process in made.started:
        process.kill()
        process.communicate()


def together(meeting: Meeting, *names: tuple[str, int]) -> Callable[[], bool]:
    return lambda: all("together" in meeting.said(*name) for name in names)


ALL = [("chief", 0), ("worker", 0), ("worker", 1)]


@pytest.mark.parametrize("order", [ALL, ALL[::-1]])
def test_they_go_on_when_all_are_there_and_say_who_is_missing(
    meeting: Meeting, order: list[tuple[str, int]]
) -> None:
    *first, last = order
    for name in first:
        meeting.start(*name)
    address = meeting.cluster(*last).address
    for name in first:
        meeting.until(lambda name=name: f"{last[0]} {last[1]} at {address}" in meeting.said(*name))
    assert not any("together" in meeting.said(*name) for name in first)
    meeting.start(*last)
    meeting.until(together(meeting, *ALL))
    # The ports are free again, for TensorFlow.
    for name in ALL:
        check_port(meeting.cluster(*name))


def test_who_dies_while_waiting_is_missing_until_it_comes_back(meeting: Meeting) -> None:
    meeting.start("chief")
    lost = meeting.start("worker", 0)
    meeting.until(lambda: "waits for worker 1 at" in meeting.said("chief"))
    lost.kill()
    lost.communicate()
    meeting.until(lambda: meeting.last("chief").count(" at ") == 2)
    meeting.start("worker", 1)
    meeting.until(lambda: "worker 0 at" in meeting.last("worker", 1))
    meeting.start("worker", 0)
    meeting.until(together(meeting, *ALL))


def test_a_chief_that_dies_while_waiting_is_replaced(meeting: Meeting) -> None:
    lost = meeting.start("chief")
    meeting.start("worker", 0)
    meeting.until(lambda: "worker 1 at" in meeting.said("worker", 0))
    lost.kill()
    lost.communicate()
    meeting.until(lambda: "waits for chief 0 at" in meeting.said("worker", 0))
    meeting.start("chief")
    meeting.start("worker", 1)
    meeting.until(together(meeting, *ALL))


def test_who_does_not_come_in_time_is_named_by_all(meeting: Meeting) -> None:
    meeting.seconds = 3.0
    chief, worker = meeting.start("chief"), meeting.start("worker", 1)
    assert (chief.wait(60), worker.wait(60)) == (PeerLost.exit_code, PeerLost.exit_code)
    for name in (("chief", 0), ("worker", 1)):
        said = meeting.said(*name)
        assert f"worker 0 at {meeting.addresses['worker'][0]}" in said
        assert "--join_timeout" in said
        assert "Traceback" not in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", ALL[:2])
def test_signals_end_the_wait(
    meeting: Meeting, number: signal.Signals, name: tuple[str, int]
) -> None:
    process = meeting.start(*name)
    meeting.until(lambda: "waits for" in meeting.said(*name))
    start = time.monotonic()
    process.send_signal(number)
    assert process.wait(60) in (-number, 128 + number)
    assert time.monotonic() - start < 5
    assert "Traceback" not in meeting.said(*name)


def test_a_port_in_use_is_named(meeting: Meeting) -> None:
    port = int(meeting.addresses["worker"][1].rpartition(":")[2])
    with socket.create_server((HOST, port)):
        for role, index in ALL[1:]:
            if index:
                process = meeting.start(role, index)
                assert process.wait(60) == RunError.exit_code
                said = meeting.said(role, index)
                assert str(port) in said
                assert f"cluster.{role}[{index}]" in said
                assert "Traceback" not in said
            else:
                check_port(meeting.cluster(role, index))


def test_others_at_the_chiefs_port_do_not_count(meeting: Meeting) -> None:
    """As a server of TensorFlow, of a run that has not ended yet, or anybody who looks in."""
    port = int(meeting.addresses["chief"][0].rpartition(":")[2])
    with socket.create_server((HOST, port)) as other:
        other.settimeout(60)
        meeting.start("worker", 0)
        connection, _ = other.accept()
        connection.sendall(b"\x00\x00\x12\x04\x00 HTTP/2 settings\n")
        meeting.until(lambda: "waits for chief 0" in meeting.said("worker", 0))
        connection.close()
    meeting.start("chief")
    meeting.until(lambda: "worker 1 at" in meeting.last("chief"))
    with socket.create_connection((HOST, port)) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\n\n")
        assert stranger.recv(100) == b""
    assert "together" not in meeting.said("worker", 0)
    meeting.start("worker", 1)
    meeting.until(together(meeting, *ALL))


def test_one_process_waits_for_nobody() -> None:
    (port,) = free_ports(1)
    join.meet(Cluster("worker", 0, {"worker": (f"{HOST}:{port}",)}, 0.0))


def test_servers_and_the_chief_wait_for_each_other(tmp_path: Path) -> None:
    addresses = [f"{HOST}:{port}" for port in free_ports(3)]
    roles = {role: (at,) for role, at in zip(("chief", "ps", "worker"), addresses, strict=True)}
    with pytest.raises(PeerLost, match=f"ps 0 at {addresses[1]}, worker 0 at {addresses[2]}"):
        join.wait_for_servers(Cluster("chief", 0, roles, 0.5))
    ps = Cluster("ps", 0, roles, 0.5)
    with pytest.raises(PeerLost, match=f"chief 0 at {addresses[0]}"):
        join.wait_for_chief(ps, tmp_path, lambda: False)
    join.wait_for_chief(ps, tmp_path, lambda: True)
    (tmp_path / "run.lock").touch()
    join.wait_for_chief(ps, tmp_path, lambda: False)
    with socket.create_server((HOST, int(addresses[1].rpartition(":")[2]))):
        with pytest.raises(PeerLost) as caught:
            join.wait_for_servers(Cluster("chief", 0, roles, 0.5))
        assert "ps 0" not in caught.value.problems[0].found
