"""The log of a run: losses, learning rates and speed, one JSON line a report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError
from easyrec_lite.core.files import atomic_write, damaged, writing
from easyrec_lite.training.hooks import Hook, StepReport

FILE = "training_log.jsonl"


class TrainingLog(Hook):
    """Writes `training_log.jsonl`: `step`, `values`, `examples_per_second`, `input_wait_share`.

    A resumed run removes the lines of steps after its checkpoint, and an incomplete last line.

    Args:
      folder: the model folder.
    """

    def __init__(self, folder: Path):
        self._path = folder / FILE

    def begin(self, trainer: Any, total_steps: int | None) -> None:
        """Removes the lines after the step at which the run starts.

        Raises:
          DataError: the file is damaged.
          RunError: it cannot be written.
        """
        step = int(trainer.step)
        kept = [json.dumps(entry) for entry in read_log(self._path) if entry["step"] <= step]
        atomic_write(self._path, "".join(f"{line}\n" for line in kept))

    def report(self, report: StepReport) -> None:
        """Appends a line.

        Raises:
          RunError: it cannot be written.
        """
        entry = {
            "step": report.step,
            "values": dict(report.values),
            "examples_per_second": report.examples_per_second,
            "input_wait_share": report.wait_share,
        }
        with writing(self._path), fs.open_text(self._path, "a") as file:
            file.write(json.dumps(entry) + "\n")


def read_log(path: Path) -> Iterator[dict[str, Any]]:
    """Yields the lines of a `training_log.jsonl`; none if there is no file.

    An incomplete last line is left out: the run was killed while writing it.

    Raises:
      DataError: the file is damaged.
    """
    if not fs.exists(path):
        return
    try:
        for line in fs.read_text(path).split("\n")[:-1]:
            entry = json.loads(line)
            yield {**entry, "step": int(entry["step"])}
    except (ValueError, KeyError, TypeError) as error:
        remedy = "restore a copy, or move the file away: only the report reads it"
        raise DataError(damaged(path, error, remedy)) from error
