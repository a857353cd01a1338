"""The log of a run: losses, rates and speed at every report, one JSON line each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from easyrec_lite.core.errors import DataError
from easyrec_lite.core.files import atomic_write, damaged, writing
from easyrec_lite.training.hooks import Hook, StepReport

FILE = "training_log.jsonl"


class TrainingLog(Hook):
    """Writes `training_log.jsonl`: `step`, `values`, `examples_per_second`, `input_wait_share`.

    A run that goes on drops the lines of steps that its checkpoint does not have, and a last line
    that was cut off.

    Args:
      folder: the model folder.
    """

    def __init__(self, folder: Path):
        self._path = folder / FILE

    def begin(self, trainer: Any, total_steps: int | None) -> None:
        """Keeps the lines up to the step that the run starts at.

        Raises:
          DataError: the file is damaged.
          RunError: it cannot be written.
        """
        step = int(trainer.step)
        kept = [json.dumps(entry) for entry in read_log(self._path) if entry["step"] <= step]
        atomic_write(self._path, "".join(f"{line}\n" for line in kept))

    def report(self, report: StepReport) -> None:
        """Adds a line.

        Raises:
          RunError: it cannot be written.
        """
        entry = {
            "step": report.step,
            "values": dict(report.values),
            "examples_per_second": report.examples_per_second,
            "input_wait_share": report.wait_share,
        }
        with writing(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def read_log(path: Path) -> Iterator[dict[str, Any]]:
    """Yields the lines of a `training_log.jsonl`, none if there is no file.

    A line without its end is left out: the run was killed while it wrote it.

    Raises:
      DataError: the file is damaged.
    """
    if not path.exists():
        return
    try:
        for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
            entry = json.loads(line)
            yield {**entry, "step": int(entry["step"])}
    except (ValueError, KeyError, TypeError) as error:
        remedy = "bring back a copy, or move it away: nothing but the report needs it"
        raise DataError(damaged(path, error, remedy)) from error
