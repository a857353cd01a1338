"""Workers that step together, in processes of their own, with the shipped DSSM on Taobao.

`python -m benchmarks.distributed.workers speed`: rows a second of one process, and of 1 and 2
workers. `… faults`: kills or freezes a worker, and prints what follows and after how many seconds.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.distributed.parameters import Watched, run_and_kill, speeds
from benchmarks.speed.data import make

TOGETHER = {"train_config.train_distribute": "MultiWorkerMirroredStrategy"}
WAYS: dict[str, tuple[int, dict[str, Any]]] = {
    "one process": (1, {}),
    "1 worker": (1, TOGETHER),
    "2 workers": (2, TOGETHER),
    "2 workers, batch norm of all rows": (
        2,
        {**TOGETHER, "train_config.sync_batch_norm": "true"},
    ),
}


def speed(folder: Path, data: Path) -> dict[str, float]:
    """Rows a second of all workers, each with batches of the config's size."""
    runs = {}
    for number, (name, (count, more)) in enumerate(WAYS.items()):
        edits = {"train_config.num_steps": 300, "train_config.log_step_count_steps": 30, **more}
        runs[name] = Watched(folder / str(number), data, edits, worker=count)
    return speeds(runs)


def faults(folder: Path, data: Path) -> dict[str, dict[str, Any]]:
    """What follows the end of one of two workers."""
    edits = {
        **TOGETHER,
        "train_config.num_steps": 100_000,
        "train_config.save_checkpoints_steps": 20,
        "train_config.log_step_count_steps": 10,
    }
    found = {}
    for number, what in ((signal.SIGKILL, "killed"), (signal.SIGSTOP, "frozen")):
        for name, other in (("worker 1", "worker 0"), ("worker 0", "worker 1")):
            case = f"{name} {what}"
            run = Watched(folder / case.replace(" ", "-"), data, edits, worker=2)
            found[case] = _fault(run, name, other, number)
            print(f"{case}: {found[case]}", flush=True)
            if number == signal.SIGSTOP:
                break  # the launcher waits for a frozen chief
    return found


def _fault(run: Watched, name: str, other: str, number: signal.Signals) -> dict[str, Any]:
    code, killed = run_and_kill(run, name, number=number)
    ended = run.seconds_to(f"[launch] {other}", killed)
    return {"exit code": code, f"{other} ends": None if ended is None else round(ended, 1)}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.distributed.workers")
    parser.add_argument("what", choices=("speed", "faults"))
    parser.add_argument("--rows", type=int, default=100_000, help="of the data; default: 100,000")
    parser.add_argument("--json", type=Path, help="write what was found to this file")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        data = make(Path(folder), args.rows)
        found: Any = (speed if args.what == "speed" else faults)(Path(folder), data)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
