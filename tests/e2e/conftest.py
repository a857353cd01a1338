"""Data and a trained model, each made once for all tests and all worker processes."""

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
from tests.e2e.running import LISTWISE, command, edits, flags

# Enough to learn 200,000 rows; batch and negatives are the config's own.
STEPS = 400


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
def listwise(synthetic: Path, workshop: Path) -> Trained:
    """The listwise config, trained on `synthetic` by the command."""
    folder = workshop / LISTWISE.removesuffix(".config")

    def run() -> None:
        steps = {"train_config.num_steps": STEPS, "train_config.save_checkpoints_steps": 1000}
        changes = {**edits(LISTWISE, synthetic, folder), **steps, "train_config.seed": 1}
        done = command("train", *flags(LISTWISE, changes))
        assert done.returncode == 0, done.stderr
        (folder / "stdout.txt").write_text(done.stdout, encoding="utf-8")
        (folder / "stderr.txt").write_text(done.stderr, encoding="utf-8")

    once(folder, run)
    printed = ((folder / f"{name}.txt").read_text("utf-8") for name in ("stdout", "stderr"))
    return Trained(folder, *printed)
