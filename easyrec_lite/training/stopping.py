"""Hooks that stop a run early: the metric no longer improves, or a deadline has passed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from easyrec_lite.checks.decision import decision_metric
from easyrec_lite.checks.rules.train import DEADLINE_FORMAT
from easyrec_lite.protos.messages import ExportConfig
from easyrec_lite.training.history import EvaluationHistory
from easyrec_lite.training.hooks import Hook


class EarlyStop(Hook):
    """Stops when the best metric is at least `max_check_steps` steps old.

    Args:
      config: the `ExportConfig` message.
      history: the run's evaluations.
    """

    def __init__(self, config: ExportConfig, history: EvaluationHistory):
        self._config = config
        self._history = history
        self._reason = ""

    def begin(self, trainer: Any, total_steps: int | None) -> None:
        """Checks at once, so that a run that stopped for this reason does not go on."""
        self._check(int(trainer.step))

    def evaluated(self, step: int, metrics: Mapping[str, float]) -> None:
        """Compares with the best so far."""
        self._check(step)

    def checkpoint(self, step: int, prefix: str) -> None:
        """Compares with what an evaluator in another process has recorded."""
        self._check(step)

    def should_stop(self, step: int) -> str:
        """Returns which metric did not improve, and for how long, or ""."""
        return self._reason

    def _check(self, step: int) -> None:
        config, name = self._config, decision_metric(self._config)
        best = self._history.best(name, config.metric_bigger, step)
        last = max((e.step for e in self._history.read() if e.step <= step), default=0)
        if best is None or last - best.step < config.max_check_steps:
            return
        value = best.metrics[name]
        self._reason = (
            f"{name} did not improve on {value:.6g}, "
            f"reached at step {best.step}, for {last - best.step} steps"
        )


class Deadline(Hook):
    """Stops at a local date and time.

    Args:
      text: `YYYYMMDD HH:MM:SS`, as checked by the rules.
    """

    def __init__(self, text: str):
        self._time = datetime.strptime(text, DEADLINE_FORMAT)

    def should_stop(self, step: int) -> str:
        """Returns that the deadline has passed, or ""."""
        return f"dead_line {self._time} has passed" if datetime.now() >= self._time else ""
