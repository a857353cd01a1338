"""The process of a trial: the command `train` with the trial's config and model folder."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import NotExported, RunError, printable
from easyrec_lite.core.files import atomic_write
from easyrec_lite.core.locks import exclusive_run
from easyrec_lite.distribution.cluster import VARIABLE
from easyrec_lite.distribution.local_cluster import starter
from easyrec_lite.training.history import EvaluationHistory, EvaluationRecord
from easyrec_lite.tuning.folder import EDITS, LOG, MODEL

TRAIN = (sys.executable, "-m", "easyrec_lite.train")
# A run that was evaluated is a result, whether or not its export was refused.
RESULT_CODES = (0, NotExported.exit_code)
LONGEST_CAUSE = 300
# How long a process of an earlier tuner may take to end; it gets SIGTERM when the tuner ends.
LEFT_SECONDS = 60.0
POLL_SECONDS = 0.5
_PROBLEM = re.compile(r"error: |Error\b")


class TrialProcess:
    """A started trial.

    Args:
      folder: the trial's folder.
      command: the words before the flags of `train`.
      config: the config file.
      edits: the edits of this trial, its model folder excluded.
      flags: further flags.

    Attributes:
      pruned: whether the process was ended because its trial is pruned.
    """

    def __init__(
        self,
        folder: Path,
        command: Sequence[str],
        config: Path,
        edits: Mapping[str, object],
        flags: Sequence[str] = (),
    ):
        self.model = folder / MODEL
        self.pruned = False
        self._log = folder / LOG
        self._history = EvaluationHistory(self.model)
        self._ending = float("inf")
        _wait_for_earlier(self.model)
        text = json.dumps({**edits, "model_dir": str(self.model)}, ensure_ascii=False)
        atomic_write(folder / EDITS, text + "\n")
        self._log_start = fs.size(self._log) if fs.exists(self._log) else 0
        words = [*command, "--config", str(config), "--edit_config_json", text, *flags]
        environment = {k: v for k, v in os.environ.items() if k != VARIABLE}
        with fs.open_binary(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [*starter(), *words],
                env={**environment, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # an interrupt from the keyboard reaches the tuner alone
            )
        self._started = time.monotonic()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def seconds(self) -> float:
        """How long the process has been running."""
        return time.monotonic() - self._started

    def code(self) -> int | None:
        """Returns the exit code, 128 + the number of a signal; None while the process runs.

        A process that was asked to end, and did not in time, is killed.
        """
        code = self._process.poll()
        if code is None and time.monotonic() > self._ending:
            self.kill()
        return code if code is None or code >= 0 else 128 - code

    def evaluations(self) -> list[EvaluationRecord]:
        """Returns the evaluations so far.

        Raises:
          DataError: their file is damaged.
        """
        return self._history.read()

    def end(self, grace: float) -> None:
        """Sends SIGTERM, and SIGKILL if the process still runs after `grace` seconds."""
        if self._process.poll() is None and self._ending == float("inf"):
            self._process.send_signal(signal.SIGTERM)
        self._ending = min(self._ending, time.monotonic() + grace)

    def kill(self) -> None:
        """Kills the process."""
        if self._process.poll() is None:
            self._process.kill()

    def cause(self, code: int) -> str:
        """Returns in one line why the process failed: its first error, or its last line."""
        with fs.open_binary(self._log) as log:
            log.seek(self._log_start)
            text = log.read().decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        found = next((line for line in lines if _PROBLEM.search(line)), None)
        line = found or (lines[-1] if lines else "it printed nothing")
        return f"{_ended_by(code)}: {printable(line)[:LONGEST_CAUSE]}"


def _ended_by(code: int) -> str:
    if code > 128:
        try:
            name = signal.Signals(code - 128).name
            return f"ended by {name}" + " (out of memory?)" * (name == "SIGKILL")
        except ValueError:
            pass
    return f"exit code {code}"


def _wait_for_earlier(model: Path) -> None:
    """Waits until no process of a killed tuner trains into the folder, at most `LEFT_SECONDS`."""
    end = time.monotonic() + LEFT_SECONDS
    while True:
        try:
            with exclusive_run(model):
                return
        except RunError:
            if time.monotonic() > end:
                return  # the trial fails, and says who holds the folder
            time.sleep(POLL_SECONDS)
