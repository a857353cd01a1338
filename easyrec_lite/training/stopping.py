"""Reasons to stop before all steps are done: no improvement, or a time of day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from easyrec_lite.checks.decision import decision_metric
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.protos.messages import ExportConfig
from easyrec_lite.training.history import EvaluationHistory
from easyrec_lite.training.hooks import Hook

DEADLINE_FORMAT = "%Y%m%d %H:%M:%S"


class EarlyStop(Hook):
    """Stops when the metric was best `max_check_steps` steps ago or longer.

    Args:
      config: the `ExportConfig` message.
      history: the run's evaluations.
    """

    def __init__(self, config: ExportConfig, history: EvaluationHistory):
        self._config = config
        self._history = history
        self._reason = ""

    def begin(self, trainer: Any, total_steps: int | None) -> None:
        """A run that had stopped for this reason does not go on."""
        self._check(int(trainer.step))

    def evaluated(self, step: int, metrics: Mapping[str, float]) -> None:
        """Compares with the best so far."""
        self._check(step)

    def checkpoint(self, step: int, prefix: str) -> None:
        """Compares what an evaluator in another process has found since."""
        self._check(step)

    def should_stop(self, step: int) -> str:
        """Returns which metric did not improve for how long, or ''."""
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
    """Stops at a local date and time, `YYYYMMDD HH:MM:SS`.

    Raises:
      ConfigError: the text is no such time.
    """

    def __init__(self, pipeline: Pipeline):
        text = pipeline.config.train_config.dead_line
        try:
            self._time = datetime.strptime(text, DEADLINE_FORMAT)
        except ValueError as error:
            raise ConfigError(
                Problem(
                    "dead_line is not a date and time",
                    pipeline.place("train_config.dead_line"),
                    path="train_config.dead_line",
                    expected="YYYYMMDD HH:MM:SS, local time",
                    found=repr(text),
                )
            ) from error

    def should_stop(self, step: int) -> str:
        """Returns that the time has come, or ''."""
        return f"dead_line {self._time} has come" if datetime.now() >= self._time else ""
