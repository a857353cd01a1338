"""`train` with processes of its cluster missing: it says so, ends when told, and in time."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from easyrec_lite.core.errors import PeerLost
from easyrec_lite.distribution.local_cluster import HOST, free_ports
from easyrec_lite.training.preemption import EXIT_CODE
from tests.config.base_config import POINTWISE, replaced

ROLES = {
    "MultiWorkerMirroredStrategy": ("chief", "worker"),
    "PSStrategy": ("chief", "worker", "ps"),
}
PATIENCE = 200.0


class Train:
    """One process of a cluster whose others never come, and what it prints."""

    def __init__(self, folder: Path, strategy: str, role: str, *more: str):
        (folder / "my.config").write_text(replaced(POINTWISE, '"run"', f'"{folder}/model"'))
        (folder / "train.csv").touch()
        ports = iter(free_ports(3))
        self.addresses = {name: [f"{HOST}:{next(ports)}"] for name in ROLES[strategy]}
        config = {"cluster": self.addresses, "task": {"type": role, "index": 0}}
        self.out = folder / "out.txt"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "easyrec_lite.train", f"--config={folder}/my.config"),
                *(f"--train_config.train_distribute={strategy}", *more),
            ],
            env={**os.environ, "TF_CONFIG": json.dumps(config), "PYTHONUNBUFFERED": "1"},
            stdout=self.out.open("wb"),
            stderr=subprocess.STDOUT,
            cwd=folder,
        )

    def said(self) -> str:
        return self.out.read_text(encoding="utf-8")

    def until(self, words: str) -> None:
        end = time.monotonic() + PATIENCE
        while words not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.05)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Train]]:
    made: list[Train] = []
    yield made
    for train in made:
        train.process.kill()
        train.process.wait()


@pytest.mark.parametrize(
    ("strategy", "role", "missing"),
    [
        ("MultiWorkerMirroredStrategy", "chief", "worker"),
        ("MultiWorkerMirroredStrategy", "worker", "chief"),
        ("PSStrategy", "chief", "ps"),
        ("PSStrategy", "ps", "chief"),
    ],
)
def test_the_wait_names_who_is_missing_and_ends_when_told(
    tmp_path: Path, started: list[Train], strategy: str, role: str, missing: str
) -> None:
    train = Train(tmp_path, strategy, role)
    started.append(train)
    train.until(f"{missing} 0 at {train.addresses[missing][0]}")
    start = time.monotonic()
    train.process.send_signal(signal.SIGTERM)
    assert train.process.wait(PATIENCE) in (EXIT_CODE, -signal.SIGTERM)
    assert time.monotonic() - start < 20
    assert "Traceback" not in train.said()
    assert not (tmp_path / "model" / "run.lock").exists()


@pytest.mark.parametrize("strategy", ["MultiWorkerMirroredStrategy", "PSStrategy"])
def test_the_wait_has_an_end(tmp_path: Path, started: list[Train], strategy: str) -> None:
    train = Train(tmp_path, strategy, "worker", "--join_timeout=1")
    started.append(train)
    assert train.process.wait(PATIENCE) == PeerLost.exit_code, train.said()
    assert f"chief 0 at {train.addresses['chief'][0]}" in train.said()
    assert "Traceback" not in train.said()


@pytest.mark.parametrize("strategy", ["MultiWorkerMirroredStrategy", "PSStrategy"])
def test_a_port_in_use_is_an_error_of_its_own(
    tmp_path: Path, started: list[Train], strategy: str
) -> None:
    train = Train(tmp_path, strategy, "worker")
    started.append(train)
    address = train.addresses["worker"][0]
    with socket.create_server((HOST, int(address.rpartition(":")[2]))):
        assert train.process.wait(PATIENCE) == 2, train.said()
    assert address in train.said()
    assert "cluster.worker[0]" in train.said()
    assert "Traceback" not in train.said()
