"""What the sections share: the data, how long to measure, and what was measured before."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.speed.rows import Row
from benchmarks.speed.worker import Numbers, Worker


@dataclass
class Bench:
    """One run of the benchmark.

    Attributes:
      data: folder of the rows.
      scratch: folder for what a section writes.
      repeats: windows a measurement; their median is what counts.
      seconds: what a window of training takes, about.
      quick: whether to leave out what takes long.
    """

    data: Path
    scratch: Path
    repeats: int
    seconds: float
    quick: bool
    _trained: dict[str, Trained] = field(default_factory=dict)

    def training(self, row: Row, **more: Any) -> Worker:
        """Returns a process that trains a config; `more` as of `training.job`."""
        return Worker("training:job", **self.arguments(row), **more)

    def arguments(self, row: Row) -> dict[str, Any]:
        """Returns what the jobs on a config take."""
        given = {
            "model_dir": str(self.scratch / "model"),
            "data_config.cache.mode": "OFF",
            **self._data_edits(row),
            **row.edits,
        }
        return {"config": row.config, "edits": given, "seconds": self.seconds}

    def _data_edits(self, row: Row) -> dict[str, Any]:
        """Returns the edits that point a config to its data, which is made at its first use."""
        from benchmarks.speed import data, sequences

        if not row.sequences:
            return data.edits(self.data, row.clicked, row.sampled)
        users = sequences.QUICK_USERS if self.quick else sequences.USERS
        return sequences.edits(sequences.make(self.data.parent, users))

    def trained(self, row: Row, **more: Any) -> Trained:
        """Returns the measurements of a config's training, taken once; `more` as of `training`."""
        key = f"{row.name} {sorted(more.items())}"
        if key not in self._trained:
            with self.training(row, **more) as worker:
                windows = [worker.window() for _ in range(self.repeats)]
                self._trained[key] = Trained(worker.facts, windows)
        return self._trained[key]


@dataclass(frozen=True)
class Trained:
    """Facts of a training job, and its windows."""

    facts: Numbers
    windows: list[Numbers]


def taking_turns(workers: Sequence[Worker], repeats: int) -> list[list[Numbers]]:
    """Returns each worker's windows, the workers taking turns."""
    turns = [[worker.window() for worker in workers] for _ in range(repeats)]
    return [list(windows) for windows in zip(*turns, strict=True)]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Returns median, least and most."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def speed(windows: Sequence[Numbers]) -> dict[str, Any]:
    """Returns the columns of a training measurement."""
    return {
        "examples/s": spread([window["rows"] / window["seconds"] for window in windows]),
        "CPU s/1e6": spread([window["cpu"] / window["rows"] * 1e6 for window in windows]),
        "ms/step": spread([window["seconds"] / window["steps"] * 1e3 for window in windows]),
        "wait": spread([window["waited"] / window["seconds"] for window in windows]),
        "peak MB": windows[-1]["peak_mb"],
    }
