"""Where the time of a training step goes: `python -m benchmarks.speed.profile [--row NAME …]`.

Each config trains from its files twice, in processes of their own. First as `easyrec_lite.train`
does it: how long a step takes, and how many of the cores work. Then with one thread a pool and
TensorFlow's profiler on, so that an operation's time is its CPU time: printed by part of the step
and by type of operation. Of an operation's runs the lower quartile counts, so that what else the
machine does falls out. What the readers do between operations, such as reading lines, is not there.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed import data, trace, training
from benchmarks.speed.bench import Bench, speed
from benchmarks.speed.report import machine, table
from benchmarks.speed.rows import LISTWISE, ROWS, Row
from benchmarks.speed.worker import Numbers, Worker

DATA_ROWS = 100_000
TYPES = 16
# Part → what the name of its operations holds; the first that fits counts.
PARTS = {
    "executor": re.escape(trace.EXECUTOR),
    "input: shuffle": r"^shuffle/",
    "input: parse": r"^parse/",
    "input: transform": r"^transform/",
    "input: negatives": r"^negatives/",
    "input: other": r"^(?!while/)",
    "softmax": r"/(softmax|candidate_loss)/",
    "update of the weights": r"/update/",
    "distinct rows": r"/distinct/",
    "embeddings": r"/embeddings/",
    "penalties": r"/penalty",
    "batch norm": r"/bn(_\d+)?/",
    "towers": r"/(model|gradients)/",
    "other": r"",
}
BACKWARD = re.compile(r"/gradients/|/gradient_tape/")


def main(argv: Sequence[str]) -> int:
    """Prints the tables of the rows asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.profile", description=__doc__)
    names = {row.name: row for row in ROWS}
    default = [ROWS[0].name, LISTWISE.name]
    parser.add_argument("--row", nargs="+", choices=names, default=default, help="of section step")
    parser.add_argument("--seconds", type=float, default=3.0, help="what a window takes, about")
    parser.add_argument("--rows", type=int, default=DATA_ROWS, help="rows of the data")
    args = parser.parse_args(argv)
    print("  ".join(f"{name} {value}" for name, value in machine().items()))
    with tempfile.TemporaryDirectory() as scratch:
        folder = data.make(Path(scratch), args.rows)
        bench = Bench(folder, Path(scratch), repeats=3, seconds=args.seconds, quick=False)
        for name in args.row:
            for lines in run(bench, names[name]):
                print()
                table(lines)
    return 0


def run(bench: Bench, row: Row) -> Iterator[Iterable[Numbers]]:
    """Yields three tables of a config: the whole step, its parts, its types of operations."""
    yield [_whole(bench, row)]
    with Worker("profile:job", **bench.arguments(row)) as worker:
        found = worker.window()
    total = sum(part["ms"] for part in found["parts"])
    yield ({**part, "share": part["ms"] / total} for part in found["parts"])
    yield ({**kind, "share": kind["ms"] / total} for kind in found["types"][:TYPES])


def _whole(bench: Bench, row: Row) -> Numbers:
    found = bench.trained(row).windows
    columns = speed(found)
    cores = [window["cpu"] / window["seconds"] for window in found]
    return {
        "config": row.name,
        "ms/step": columns["ms/step"],
        "wait": columns["wait"],
        "cores at work": statistics.median(cores),
    }


def job(arguments: dict[str, Any]) -> tuple[Numbers, Callable[[], Numbers]]:
    """Trains `config` on one thread a pool; a window profiles about `seconds`."""
    facts, train = training.job({**arguments, "threads": 1})

    def window() -> Numbers:
        import tensorflow as tf

        with tempfile.TemporaryDirectory() as folder:
            with tf.profiler.experimental.Profile(folder):
                steps = train()["steps"]
            return {"steps": steps, **summary(trace.read(Path(folder)), steps)}

    return facts, window


def summary(spans: Iterable[trace.Span], steps: int) -> dict[str, list[Numbers]]:
    """Returns `parts` and `types`, each with the ms and runs of a step, the largest first."""
    runs: dict[tuple[str, str], list[float]] = defaultdict(list)
    for span in spans:
        runs[span.name, span.kind].append(span.own)
    parts: dict[str, Numbers] = {}
    types: dict[str, Numbers] = {}
    for (name, kind), seconds in runs.items():
        ms = 1e3 * _lower_quartile(seconds) * len(seconds) / steps
        part = next(part for part, pattern in PARTS.items() if re.search(pattern, name))
        found = parts.setdefault(part, {"part": part, "ms": 0.0, "backward ms": 0.0, "ops": 0.0})
        found["backward ms"] += ms if BACKWARD.search(name) else 0.0
        for entry in (found, types.setdefault(kind, {"type": kind or part, "ms": 0.0, "ops": 0.0})):
            entry["ms"] += ms
            entry["ops"] += len(seconds) / steps
    return {
        "parts": sorted(parts.values(), key=lambda line: -line["ms"]),
        "types": sorted(types.values(), key=lambda line: -line["ms"]),
    }


def _lower_quartile(values: Sequence[float]) -> float:
    return sorted(values)[(len(values) - 1) // 4]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
