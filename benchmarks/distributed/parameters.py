"""Parameter servers on this machine, in processes of their own, with the shipped DSSM on Taobao.

`python -m benchmarks.distributed.parameters speed`: rows a second by one process, and by 1 and 2
workers with 2 parameter servers. `… big`: four parameter servers share a table of 4 × 5e6 rows.
`… faults`: kills one process of each role, and tells what follows and after how many seconds.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed.data import make
from easyrec_lite.distribution.local_cluster import LocalCluster
from easyrec_lite.distribution.supervision import supervise
from easyrec_lite.training.checkpoint_files import checkpoint_paths
from easyrec_lite.training.log import read_log

CONFIG = "dssm_on_taobao"
TABLE_ROWS, PARTS = 20_000_000, 4
POLL = 0.1


class Watched:
    """A cluster that trains, watched: the peak memory of each process, and when lines came."""

    def __init__(self, model: Path, data: Path, edits: Mapping[str, Any], **counts: int):
        self.model = model
        self.peaks: dict[str, float] = {}
        self.start = time.monotonic()
        self._out = _Timed(self.start)
        more = {
            "model_dir": model,
            "train_input_path": data / "train.csv",
            "eval_input_path": "",
            "export_config.exporter_type": "none",
            "train_config.train_distribute": "PSStrategy" if counts.get("ps") else "NoStrategy",
            "train_config.sync_replicas": "false",
            **edits,
        }
        flags = [f"--{path}={value}" for path, value in more.items()]
        command = ["-m", "easyrec_lite.train", "--config", CONFIG, *flags]
        self.cluster = LocalCluster(counts, command, self._out)
        self._done = threading.Event()

    def run(self, restarts: int = 0) -> int:
        """Runs the cluster to its end, and returns its exit code."""
        watch = threading.Thread(target=self._watch)
        watch.start()
        try:
            return supervise(self.cluster, restarts)
        finally:
            self._done.set()
            watch.join()

    def _watch(self) -> None:
        while not self._done.wait(POLL):
            for member in list(self.cluster.members):
                status = Path(f"/proc/{member.process.pid}/status")
                found = (
                    re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.exists() else None
                )
                if found:
                    self.peaks[member.name] = int(found[1]) / 1e6

    def speed(self) -> float:
        """Returns the median of the rows a second of all reports but the first."""
        reports = list(read_log(self.model / "training_log.jsonl"))[1:]
        return statistics.median(report["examples_per_second"] for report in reports)

    def seconds_to(self, words: str, after: float = 0.0) -> float | None:
        """Returns the seconds from `after` to the first line since then with these words."""
        for at, line in self._out.lines:
            if at >= after and words in line:
                return at - after
        return None

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> float:
        """Sends a signal to a process; returns when."""
        next(m for m in self.cluster.members if m.name == name).process.send_signal(number)
        return time.monotonic() - self.start


class _Timed(io.BytesIO):
    """Lines, each with the seconds at which it came."""

    def __init__(self, start: float):
        super().__init__()
        self._start = start
        self.lines: list[tuple[float, str]] = []

    def write(self, line: Any, /) -> int:
        self.lines.append((time.monotonic() - self._start, bytes(line).decode()))
        return len(line)


def speed(folder: Path, data: Path) -> dict[str, float]:
    """Rows a second of one process, and of 1 and 2 workers."""
    edits = {"train_config.num_steps": 600, "train_config.log_step_count_steps": 60}
    ways: dict[str, dict[str, int]] = {
        "one process": {"worker": 1},
        "1 worker, 2 ps": {"chief": 1, "worker": 1, "ps": 2},
        "2 workers, 2 ps": {"chief": 1, "worker": 2, "ps": 2},
    }
    runs = {}
    for name, counts in ways.items():
        parts = {"feature_config.features[:].max_partitions": 2} if counts.get("ps") else {}
        runs[name] = Watched(folder / name.replace(" ", "-"), data, {**edits, **parts}, **counts)
    return speeds(runs)


def speeds(runs: Mapping[str, Watched]) -> dict[str, float]:
    """Runs clusters one after another; prints and returns the rows a second of each."""
    found = {}
    for name, run in runs.items():
        assert run.run() == 0, name
        found[name] = run.speed()
        print(f"{name}: {found[name]:,.0f} rows/s", flush=True)
    return found


def big(folder: Path, data: Path) -> dict[str, float]:
    """Rows a second and the memory of each process, with a table of `TABLE_ROWS`."""
    edits = {
        "feature_config.features[0].hash_bucket_size": TABLE_ROWS,
        "feature_config.features[0].max_partitions": PARTS,
        "train_config.num_steps": 200,
        "train_config.log_step_count_steps": 20,
        "train_config.save_checkpoints_steps": 0,
    }
    run = Watched(folder / "big", data, edits, chief=1, worker=2, ps=PARTS)
    assert run.run() == 0
    found = {"rows/s": run.speed(), **{f"GB of {name}": gb for name, gb in run.peaks.items()}}
    print(f"a table of {TABLE_ROWS:,} rows in {PARTS} parts, 200 steps of 2 workers")
    for name, value in found.items():
        print(f"{name}: {value:,.0f}" if name == "rows/s" else f"{name}: {value:.2f}")
    return found


def faults(folder: Path, data: Path) -> dict[str, dict[str, Any]]:
    """What follows the end of one process of each role."""
    edits = {
        "train_config.num_steps": 0,
        "data_config.num_epochs": 12,
        "train_config.save_checkpoints_steps": 200,
        "train_config.log_step_count_steps": 10,
    }
    found = {}
    for name in ("worker 1", "ps 1", "chief 0"):
        run = Watched(folder / name.replace(" ", "-"), data, edits, chief=1, worker=2, ps=2)
        found[name] = _fault(run, name)
        print(f"{name} killed: {found[name]}", flush=True)
    return found


def run_and_kill(
    run: Watched, name: str, restarts: int = 0, number: signal.Signals = signal.SIGKILL
) -> tuple[int, float]:
    """Runs a cluster, and sends a signal to a process at the first checkpoint.

    Returns:
      The cluster's exit code, and when the signal was sent.
    """
    killed: list[float] = []

    def kill() -> None:
        while not checkpoint_paths(run.model):
            time.sleep(POLL)
        killed.append(run.kill(name, number))

    threading.Thread(target=kill, daemon=True).start()
    code = run.run(restarts)
    return code, killed[0]


def _fault(run: Watched, name: str) -> dict[str, Any]:
    code, killed = run_and_kill(run, name, restarts=1 if name.startswith("worker") else 0)
    seconds = {
        "the chief ends": run.seconds_to("[launch] chief 0", killed),
        "next report": run.seconds_to("[chief 0] step", killed),
        "it serves again": run.seconds_to(f"[{name}] {name} serves", killed),
        "all have ended": run.seconds_to("[launch] ps 0", killed),
    }
    told = {what: round(value, 1) for what, value in seconds.items() if value is not None}
    return {"exit code": code, **told}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.distributed.parameters")
    parser.add_argument("what", choices=("speed", "big", "faults"))
    parser.add_argument("--rows", type=int, default=100_000, help="of the data; default: 100,000")
    parser.add_argument("--json", type=Path, help="write what was found to this file")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        data = make(Path(folder), args.rows)
        what = {"speed": speed, "big": big, "faults": faults}[args.what]
        found = what(Path(folder), data)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
