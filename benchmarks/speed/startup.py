"""Time from a command to its first answer."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator

from benchmarks.speed.bench import Bench, spread
from benchmarks.speed.rows import LISTWISE, ROWS, Row
from benchmarks.speed.worker import Numbers, Timer

TITLE = "startup: seconds from a command to its answer"
MOST_STARTS = 3
NOTES = "train: until the line of its first step, whose graph is traced by then"


def run(bench: Bench) -> Iterator[Numbers]:
    """Yields a line a command."""
    train = [sys.executable, "-m", "easyrec_lite.train"]
    check = [sys.executable, "-m", "easyrec_lite.check", "--config", LISTWISE.config]
    commands = {
        "train --help": ([*train, "--help"], "usage"),
        "check": (check, ""),
        "import tensorflow": ([sys.executable, "-c", "import tensorflow"], ""),
    }
    for row in (LISTWISE,) if bench.quick else (ROWS[0], LISTWISE, ROWS[4]):
        commands[f"train, {row.name}"] = ([*train, *_flags(bench, row)], "step 1")
    for name, (command, awaited) in commands.items():
        seconds = [_until(command, awaited) for _ in range(min(bench.repeats, MOST_STARTS))]
        yield {"what": name, "seconds": spread(seconds)}


def _flags(bench: Bench, row: Row) -> list[str]:
    edits = dict(bench.arguments(row)["edits"])
    edits |= {"train_config.num_steps": 1, "train_config.log_step_count_steps": 1}
    sections = {name: value for name, value in edits.items() if "." in name}
    flags = [f"--{name}={value}" for name, value in edits.items() if name not in sections]
    flags += [f"--{name}={value}" for name, value in sections.items()]
    return ["--config", row.config, *flags, "--continue_train=false"]


def _until(command: list[str], awaited: str) -> float:
    """Returns the seconds until the command prints a line that begins with `awaited`, or ends."""
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdout is not None
        with Timer() as spent:
            found = any(line.startswith(awaited) for line in process.stdout if awaited)
            if not awaited:
                found = process.wait() == 0
        process.kill()
        if not found:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(command)} failed:\n{errors.read()[-4000:]}")
    return spent.seconds
