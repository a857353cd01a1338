"""Training, config by config."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.speed.bench import Bench, speed
from benchmarks.speed.rows import ROWS
from benchmarks.speed.worker import Numbers

TITLE = "step: training from files, each config in a process of its own"
NOTES = (
    "wait: share of the time spent waiting for input; peak MB: resident, after training, "
    "without checkpoint or export"
)


def run(bench: Bench) -> Iterator[Numbers]:
    """Yields a line a config."""
    for row in ROWS:
        yield {"config": row.name, **speed(bench.trained(row).windows)}
