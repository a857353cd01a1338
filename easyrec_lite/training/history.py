"""The evaluations of a run, one JSON line each; a resumed run finds its best one here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import DataError
from easyrec_lite.core.files import atomic_write, damaged

FILE = "evaluations.jsonl"
RESULT_FILE = "eval_result.json"


@dataclass(frozen=True)
class EvaluationRecord:
    """The metrics of one evaluation.

    Attributes:
      step: steps that the model was trained for.
      metrics: name → value.
    """

    step: int
    metrics: Mapping[str, float]


class EvaluationHistory:
    """The evaluations in a model folder, in the order of their steps."""

    def __init__(self, folder: Path):
        self._path = folder / FILE

    def read(self) -> list[EvaluationRecord]:
        """Returns all evaluations; none when there is no file.

        Raises:
          DataError: the file is damaged.
        """
        if not fs.exists(self._path):
            return []
        try:
            lines = fs.read_text(self._path).splitlines()
            return [
                EvaluationRecord(line["step"], line["metrics"]) for line in map(json.loads, lines)
            ]
        except (ValueError, KeyError, TypeError) as error:
            remedy = "restore a copy; or move the file away, which forgets the best evaluation"
            raise DataError(damaged(self._path, error, remedy)) from error

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Adds an evaluation; removes later ones, and one of this step, of an interrupted run."""
        kept = [entry for entry in self.read() if entry.step < step]
        kept.append(EvaluationRecord(step, dict(metrics)))
        lines = [json.dumps({"step": e.step, "metrics": dict(e.metrics)}) for e in kept]
        atomic_write(self._path, "\n".join(lines) + "\n")

    def at(self, step: int) -> EvaluationRecord | None:
        """Returns the evaluation at `step`; None if there was none."""
        return next((entry for entry in self.read() if entry.step == step), None)

    def best(self, metric: str, bigger: bool, until: int) -> EvaluationRecord | None:
        """Returns the best evaluation up to step `until`, the earliest of equals; None if none."""
        candidates = [e for e in self.read() if e.step <= until and metric in e.metrics]
        sign = -1.0 if bigger else 1.0
        return min(candidates, key=lambda e: sign * e.metrics[metric], default=None)


def write_result(folder: Path, step: int, metrics: Mapping[str, float]) -> None:
    """Writes the metrics of the last evaluation, and its step, to `eval_result.json`."""
    content = {"global_step": step, **metrics}
    atomic_write(folder / RESULT_FILE, json.dumps(content, indent=1) + "\n")
