"""One training process: what it is doing, and a kill in the middle of that."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.faults.cases import CACHE
from easyrec_lite.core.files import unfinished

PHASES = ("start", "read", "cache", "step", "checkpoint", "evaluate", "export")
# The longest wait, in seconds, between the first sign of a phase and the kill.
LONGEST = {
    "start": 6.0,
    "read": 3.0,
    "cache": 4.0,
    "step": 0.05,
    "checkpoint": 0.03,
    "evaluate": 1.5,
    "export": 4.0,
}
POLL = 0.003


class Training:
    """A run of `easyrec_lite.train` that is watched while it goes.

    Args:
      flags: of the command.
      model: its model folder.
    """

    def __init__(self, flags: Sequence[str], model: Path):
        self.model = model
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "easyrec_lite.train", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def phase(self, wanted: str = "") -> str:
        """Returns what the run is doing, by its files and by what it printed.

        A cache is built while the run reads, steps or evaluates: it is told only if it is wanted.
        """
        if wanted == "cache" and any(unfinished(self.model / CACHE)):
            return "cache"
        for path in self.model.rglob(".*.tmp-*"):
            if path.name.startswith(".model.ckpt"):
                return "checkpoint"
            if path.parent.parent.name == "export":
                return "export"
        for line in reversed(self.lines):
            if re.match(r"step \d+  checkpoint", line):
                return "evaluate"
            if line.startswith("step "):
                return "step"
            if line.startswith("training data:"):
                return "read"
        return "start"

    def reached(self, wanted: str) -> bool:
        """Waits for a phase; returns False if the run ended without it."""
        while self.process.poll() is None:
            if self.phase(wanted) == wanted:
                return True
            time.sleep(POLL)
        return False

    def kill(self, wanted: str, chance: random.Random) -> str:
        """Kills the run during a phase, or soon after; returns in which it was, '' if it ended."""
        if self.reached(wanted):
            time.sleep(chance.uniform(0, LONGEST[wanted]))
        self.process.kill()
        return self.phase(wanted) if self.wait() < 0 else ""

    def wait(self) -> int:
        """Waits for the end and returns the exit code, negative after a signal."""
        code = self.process.wait()
        self._reader.join()
        return code
