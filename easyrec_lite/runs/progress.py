"""The progress of a run: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from easyrec_lite.core.durations import duration
from easyrec_lite.evaluation.ranking.verdict import PREFIX
from easyrec_lite.runs.metric_names import labelled
from easyrec_lite.training.hooks import Hook, StepReport

_RATES = ("learning_rate", "embedding_rate", "temperature")


def make_progress() -> Hook:
    """Returns a progress bar if standard output is a terminal, else plain lines."""
    return ProgressBar() if sys.stdout.isatty() else ProgressLines()


class ProgressLines(Hook):
    """Prints a line for each report, checkpoint and evaluation."""

    def report(self, report: StepReport) -> None:
        """Prints step, losses, speed, share of time spent waiting for input, time left."""
        total = f"/{report.total_steps}" if report.total_steps else ""
        print(f"step {report.step}{total}  {describe(report)}", flush=True)

    def checkpoint(self, step: int, prefix: str) -> None:
        """Prints the checkpoint."""
        print(f"step {step}  checkpoint {prefix}", flush=True)

    def evaluated(self, step: int, metrics: Mapping[str, float]) -> None:
        """Prints the metrics."""
        print(f"step {step}  evaluation: {describe_metrics(metrics)}", flush=True)


class ProgressBar(Hook):
    """Shows the same on a progress bar; evaluations are printed above it."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("step {task.completed:.0f}"), BarColumn(), TextColumn("{task.description}")
        )
        self._task: TaskID | None = None

    def begin(self, trainer: Any, total_steps: int | None) -> None:
        """Shows the bar."""
        self._progress.start()
        done = int(trainer.step)
        self._task = self._progress.add_task("", total=total_steps, completed=done)

    def report(self, report: StepReport) -> None:
        """Moves the bar."""
        if self._task is not None:
            self._progress.update(self._task, completed=report.step, description=describe(report))

    def evaluated(self, step: int, metrics: Mapping[str, float]) -> None:
        """Prints the metrics above the bar."""
        self._progress.print(f"step {step}  evaluation: {describe_metrics(metrics)}")

    def end(self, step: int) -> None:
        """Leaves the bar as it is."""
        self._progress.stop()


def describe(report: StepReport) -> str:
    """Returns losses, speed, input wait and time left as one line of text."""
    values = report.values
    parts = [
        f"{name} {value:.4g}"
        for name, value in values.items()
        if name not in ("total_loss", "gradient_norm", *_RATES)
    ]
    rates = [f"{name} {values[name]:.3g}" for name in _RATES if name in values]
    words = [f"loss {values['total_loss']:.4f} ({', '.join(parts)})", *rates]
    words.append(f"{report.examples_per_second:,.0f} examples/s")
    words.append(f"input wait {report.wait_share:.0%}")
    if report.seconds_left is not None:
        words.append(f"{duration(report.seconds_left)} left")
    return "  ".join(words)


def describe_metrics(metrics: Mapping[str, float]) -> str:
    """Returns the metrics as one line of text, but for those of a full ranking.

    Those are printed with their protocol on a separate line.
    """
    return "  ".join(
        f"{labelled(name)} {value:.5g}"
        for name, value in metrics.items()
        if not name.startswith(PREFIX)
    )


def metric_lines(metrics: Mapping[str, float]) -> str:
    """Returns the metrics a line each, but for those of a full ranking."""
    shown = {labelled(name): v for name, v in metrics.items() if not name.startswith(PREFIX)}
    width = max(map(len, shown), default=0)
    return "\n".join(f"{name:<{width}}  {value:.6g}" for name, value in shown.items())
