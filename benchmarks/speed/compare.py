"""Compares checkouts: `python -m benchmarks.speed.compare OLD [NEW …]`, and this one last.

Each trains the same batches, kept in memory or read with `--files`, in a process of its own with
one thread a pool, window by window in turn. Printed is the CPU time of a step, and the ratio of
the first checkout's to it. With `--threads 0`, as training has them, wall-clock time is there too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.speed import data
from benchmarks.speed.bench import Bench, spread, taking_turns
from benchmarks.speed.report import table
from benchmarks.speed.rows import ROWS, Row
from benchmarks.speed.worker import Numbers, Worker

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
    parser.add_argument("--seconds", type=float, default=0.5, help="what a window takes, about")
    parser.add_argument("--files", action="store_true", help="read the files in each step")
    parser.add_argument("--threads", type=int, default=1, help="of a pool; 0: TensorFlow's choice")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        folder = data.make(Path(scratch), args.data_rows)
        bench = Bench(folder, Path(scratch), args.repeats, seconds=args.seconds, quick=False)
        how = {"cached": 0 if args.files else BATCHES, "threads": args.threads}
        checkouts = [*(path.resolve() for path in args.checkout), HERE]
        for row in args.rows:
            table(_lines(bench, checkouts, ROWS[row], how))
    return 0


def _lines(bench: Bench, checkouts: list[Path], row: Row, how: dict[str, int]) -> Iterator[Numbers]:
    with ExitStack() as stack:
        workers = [
            stack.enter_context(Worker("training:job", checkout, **bench.arguments(row), **how))
            for checkout in checkouts
        ]
        turns = taking_turns(workers, bench.repeats)
    spent = {"CPU ms/step": "cpu", **({} if how["threads"] else {"ms/step": "seconds"})}
    for checkout, windows in zip(checkouts, turns, strict=True):
        line: Numbers = {"config": row.name}
        for name, key in spent.items():
            first, own = ([1e3 * w[key] / w["steps"] for w in each] for each in (turns[0], windows))
            line[name] = spread(own)
            line[f"ratio of {name}"] = spread([a / b for a, b in zip(first, own, strict=True)])
        yield {**line, "checkout": str(checkout)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
