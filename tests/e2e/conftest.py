"""Data and trained models, each made once for all tests and all worker processes."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from easyrec_lite.datasets import __main__ as datasets
from tests.commands import call
from tests.e2e.running import (
    DAT,
    LISTWISE,
    PARALLEL,
    POINTWISE,
    command,
    edits,
    flags,
)

# Steps that are enough to learn 200,000 rows; batches and negatives are the configs' own.
SHORT = {
    LISTWISE: {"train_config.num_steps": 400},
    POINTWISE: {"train_config.num_steps": 500},
    DAT: {"train_config.num_steps": 300},
    PARALLEL: {"train_config.num_steps": 200},
}


@dataclass(frozen=True)
class Trained:
    """What `python -m easyrec_lite.train` left: the model folder, and what it printed."""

    folder: Path
    stdout: str
    stderr: str

    @property
    def step(self) -> int:
        return int(self.result["global_step"])

    @property
    def result(self) -> dict[str, float]:
        return json.loads((self.folder / "eval_result.json").read_text(encoding="utf-8"))

    @property
    def export(self) -> Path:
        return self.folder / "export" / "final" / str(self.step)

    @property
    def checkpoint(self) -> str:
        return str(self.folder / f"model.ckpt-{self.step}")


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the worker processes of this test session share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def once(path: Path, make: Callable[[], None]) -> None:
    """Calls `make` unless it was called for `path` before, in this process or another."""
    with path.with_name(f"{path.name}.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        if not lock.read():
            make()
            lock.write("made")


@pytest.fixture(scope="session")
def synthetic(workshop: Path) -> Path:
    """The folder of the built-in data set, with 200,000 rows to train on."""
    folder = workshop / "taobao-synthetic"
    flags = ["taobao-synthetic", "--rows", "200000", "--overwrite", "--out", str(folder)]
    once(folder, lambda: call(datasets, flags))
    return folder


@pytest.fixture(scope="session")
def trained(synthetic: Path, workshop: Path) -> Callable[..., Trained]:
    """Returns a function: name of a shipped config, seed → that model, trained on `synthetic`."""

    def train(name: str, seed: int = 1) -> Trained:
        folder = workshop / f"{name.removesuffix('.config')}-{seed}"

        def run() -> None:
            short = {"train_config.save_checkpoints_steps": 1000, **SHORT[name]}
            changes = {**edits(name, synthetic, folder), **short, "train_config.seed": seed}
            done = command("train", *flags(name, changes))
            assert done.returncode == 0, done.stderr
            (folder / "stdout.txt").write_text(done.stdout, encoding="utf-8")
            (folder / "stderr.txt").write_text(done.stderr, encoding="utf-8")

        once(folder, run)
        printed = ((folder / f"{name}.txt").read_text("utf-8") for name in ("stdout", "stderr"))
        return Trained(folder, *printed)

    return train


@pytest.fixture(scope="session")
def listwise(trained: Callable[..., Trained]) -> Trained:
    return trained(LISTWISE)


@pytest.fixture(scope="session")
def pointwise(trained: Callable[..., Trained]) -> Trained:
    return trained(POINTWISE)
