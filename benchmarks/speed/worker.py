"""A measured process: `python -m benchmarks.speed.worker JOB ARGUMENTS`, started by `Worker`.

A job is made once; then each line on standard input asks for one window of measurement. So several
jobs can take turns, while those that wait cost nothing. Answers are lines of JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

Numbers = dict[str, Any]
# Makes ready what is measured; returns facts about it, and what measures one window.
Job = Callable[[dict[str, Any]], tuple[Numbers, Callable[[], Numbers]]]


class Worker(AbstractContextManager["Worker"]):
    """A process that measures one job.

    Args:
      job: `module:function`, a `Job` in this package.
      checkout: the checkout whose code is measured; None: this one's.
      arguments: what the job takes, as JSON can hold it.

    Attributes:
      facts: what the job says of itself once it is ready.

    Raises:
      RuntimeError: the process ended; its standard error tells why.
    """

    def __init__(self, job: str, checkout: Path | None = None, **arguments: Any):
        self._job = job
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed at the exit
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.speed.worker", job, json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=checkout,
            env=None if checkout is None else {**os.environ, "PYTHONPATH": str(checkout)},
        )
        self.facts = self._answer()

    def window(self) -> Numbers:
        """Measures once."""
        assert self._process.stdin is not None
        print("go", file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Numbers:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            raise RuntimeError(f"{self._job} failed:\n{self._errors.read()[-4000:]}")
        return json.loads(line)

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        self._errors.close()


class Timer(AbstractContextManager["Timer"]):
    """Measures the wall-clock and CPU seconds of a block, of all threads of this process."""

    def __enter__(self) -> Timer:
        self._start, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._start
        self.cpu = time.process_time() - self._cpu


def windows(
    run: Callable[[int], object], rows: int, seconds: float, tried: int = 4
) -> Callable[[], Numbers]:
    """Warms `run` up, and returns what measures one window of it.

    Args:
      run: does so many steps.
      rows: of one step.
      seconds: what a window takes, about.
      tried: steps to warm up, and then to find out how many fit into a window.
    """
    run(tried)
    with Timer() as trial:
        run(tried)
    steps = max(2, round(seconds * tried / trial.seconds))

    def window() -> Numbers:
        with Timer() as spent:
            run(steps)
        return {"steps": steps, "rows": steps * rows, "seconds": spent.seconds, "cpu": spent.cpu}

    return window


def peak_mb() -> float:
    """Returns the largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(name: str, arguments: str) -> None:
    """Makes the job ready and answers until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module, function = name.split(":")
    job: Job = getattr(importlib.import_module(f"benchmarks.speed.{module}"), function)
    answer, window = job(json.loads(arguments))
    print(json.dumps(answer), file=answers, flush=True)
    for _ in sys.stdin:
        print(json.dumps({**window(), "peak_mb": peak_mb()}), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
