"""Runs the cases that have no result yet, each in a process on one core; keeps results on disk.

A result is kept under a digest of its config, edits and data, so that a study that broke off goes
on with what is missing, and one whose config changed runs anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from benchmarks.ncf.cases import MODELS, Case
from benchmarks.ncf.data import Data

ROOT = Path(__file__).parents[2]
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Study:
    """The runs of one data set in one folder.

    Args:
      data: what to train on and rank.
      folder: holds `results/`, `logs/`, and the models while they train.
    """

    def __init__(self, data: Data, folder: Path):
        self.data, self.folder = data, folder
        for name in ("results", "logs", "models", "specs"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def result(self, case: Case) -> dict[str, Any] | None:
        """Returns the result of a case, None when there is none yet."""
        path = self._path(case)
        return json.loads(path.read_text()) if path.is_file() else None

    def run(self, cases: Sequence[Case], jobs: int) -> list[Case]:
        """Runs what has no result yet, `jobs` at a time, in order; returns what failed."""
        missing = [case for case in cases if self.result(case) is None]
        print(f"{len(cases)} runs, {len(cases) - len(missing)} of them are done", flush=True)
        cores: SimpleQueue[int] = SimpleQueue()
        usable = sorted(os.sched_getaffinity(0))
        for job in range(jobs):
            cores.put(usable[job % len(usable)])
        failed, begun = [], time.monotonic()
        with ThreadPoolExecutor(jobs) as pool:
            futures = {pool.submit(self._run, case, cores): case for case in missing}
            for number, future in enumerate(as_completed(futures), 1):
                case = futures[future]
                if not future.result():
                    failed.append(case)
                print(self._line(case, number, len(missing), begun), flush=True)
        return failed

    def _run(self, case: Case, cores: SimpleQueue[int]) -> bool:
        spec = self.folder / "specs" / f"{case.name}.json"
        model = self.folder / "models" / case.name
        content = case.as_dict() | {"data": str(self.data.folder), "model_dir": str(model)}
        spec.write_text(json.dumps(content))
        command = [sys.executable, "-m", "benchmarks.ncf.run", str(spec)]
        with _one(cores) as core, (self.folder / "logs" / f"{case.name}.log").open("w") as log:
            done = subprocess.run(
                [*command, str(self._path(case)), str(core)],
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
                cwd=ROOT,
                env=os.environ | ONE_THREAD,
            )
        return done.returncode == 0

    def _path(self, case: Case) -> Path:
        return self.folder / "results" / f"{case.name}-{digest(case, self.data)}.json"

    def _line(self, case: Case, number: int, count: int, begun: float) -> str:
        minutes = (time.monotonic() - begun) / 60
        left = minutes / number * (count - number)
        progress = f"{number}/{count}, {minutes:.0f} min, about {left:.0f} left"
        result = self.result(case)
        if result is None:
            return f"{progress}: {case.name} failed, see {self.folder}/logs/{case.name}.log"
        metrics = result["metrics"]
        return (
            f"{progress}: {case.name} ncf_hr@10 {metrics['ncf_hr@10']:.4f} "
            f"kept_hr@50 {metrics['kept_hr@50']:.4f} {result['cpu_seconds']:.0f} CPU s"
        )


def digest(case: Case, data: Data) -> str:
    """Returns what stands for a case's config (or baseline's code), edits, seed and data."""
    made_by = ROOT / "benchmarks" / "ncf" / "baselines.py"
    if case.model in MODELS:
        made_by = ROOT / "configs" / MODELS[case.model]
    text = made_by.read_text("utf-8")
    content = json.dumps([case.as_dict(), text, data.digest], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


@contextmanager
def _one(cores: SimpleQueue[int]) -> Iterator[int]:
    core = cores.get()
    try:
        yield core
    finally:
        cores.put(core)
