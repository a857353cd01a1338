"""Compares checkouts: `python -m benchmarks.speed.compare OLD [NEW …]`, and this one last.

Each trains the same batches, kept in memory, in a process of its own with one thread a pool, window
by window in turn. Printed is the CPU time of a step, and the ratio of the first checkout's to it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.speed import data
from benchmarks.speed.bench import Bench, spread, taking_turns
from benchmarks.speed.report import table
from benchmarks.speed.rows import ROWS
from benchmarks.speed.worker import Worker

HERE = Path(__file__).resolve().parents[2]
BATCHES = 4


def main(argv: Sequence[str]) -> int:
    """Prints a line a checkout for each of the rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.compare", description=__doc__)
    parser.add_argument("checkout", type=Path, nargs="+", help="folder of another checkout")
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[0, 2], help="of section step, from 0"
    )
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--data_rows", type=int, default=100_000)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        folder = data.make(Path(scratch), args.data_rows)
        bench = Bench(folder, Path(scratch), args.repeats, seconds=0.5, quick=False)
        for row in args.rows:
            table(_lines(bench, [path.resolve() for path in args.checkout] + [HERE], row))
    return 0


def _lines(bench: Bench, checkouts: list[Path], row: int):  # type: ignore[no-untyped-def]
    arguments = {**bench.arguments(ROWS[row]), "cached": BATCHES, "threads": 1}
    with ExitStack() as stack:
        workers = [
            stack.enter_context(Worker("training:job", checkout, **arguments))
            for checkout in checkouts
        ]
        turns = taking_turns(workers, bench.repeats)
    times = [[1e3 * window["cpu"] / window["steps"] for window in windows] for windows in turns]
    for checkout, each in zip(checkouts, times, strict=True):
        ratios = [first / own for first, own in zip(times[0], each, strict=True)]
        yield {
            "config": ROWS[row].name,
            "CPU ms/step": spread(each),
            "ratio": spread(ratios),
            "checkout": str(checkout),
        }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
