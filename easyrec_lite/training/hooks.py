"""Hooks: a method for each event of a run, all optional."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from easyrec_lite.core.errors import plain_words

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StepReport:
    """Losses, speed and progress at a step.

    Attributes:
      step: steps done.
      total_steps: steps of the run, or None when the data decides.
      values: losses, total loss, gradient norm and learning rates of the last step.
      examples_per_second: rows trained on per second since the last report.
      wait_share: share of that time spent waiting for input, 0 to 1.
      seconds_left: an estimate; None when `total_steps` is.
    """

    step: int
    total_steps: int | None
    values: Mapping[str, float]
    examples_per_second: float
    wait_share: float
    seconds_left: float | None


class Hook:
    """Base class of hooks; override the methods you need.

    Hooks are called in the order in which they are given.

    Example:
        >>> class Losses(Hook):
        ...     def report(self, report: StepReport) -> None:
        ...         print(report.step, report.values["total_loss"])
        >>> Losses().report(StepReport(10, 20, {"total_loss": 0.5}, 1000.0, 0.1, 2.0))
        10 0.5
    """

    def begin(self, trainer: Any, total_steps: int | None) -> None:
        """Called when the run starts or resumes, at `trainer.step`."""

    def report(self, report: StepReport) -> None:
        """Called every `log_step_count_steps` steps."""

    def checkpoint(self, step: int, prefix: str) -> None:
        """Called after a checkpoint was written."""

    def evaluated(self, step: int, metrics: Mapping[str, float]) -> None:
        """Called after the model was evaluated."""

    def should_stop(self, step: int) -> str:
        """Returns why the run should stop now, or ""."""
        return ""

    def end(self, step: int) -> None:
        """Called at the end of the run, also after an error."""


class Summaries(Hook):
    """Writes TensorBoard event files: training to the model folder, evaluation to its `eval/`.

    No run depends on them: if they cannot be written, one warning is logged and the run continues.

    Args:
      folder: the model folder.
      every: steps between two training events.
    """

    def __init__(self, folder: Path, every: int):
        self._every = max(every, 1)
        self._next = 0
        self._train, self._eval = EventFile(folder), EventFile(folder / "eval")

    def report(self, report: StepReport) -> None:
        """Writes losses, learning rates, speed and the share of time spent waiting."""
        if report.step < self._next:
            return
        self._next = report.step + self._every
        speed = {
            "examples_per_second": report.examples_per_second,
            "input_wait_share": report.wait_share,
        }
        self._train.write({**report.values, **speed}, report.step)

    def evaluated(self, step: int, metrics: Mapping[str, float]) -> None:
        """Writes the metrics."""
        self._eval.write(metrics, step)

    def end(self, step: int) -> None:
        """Closes the files."""
        self._train.close()
        self._eval.close()


# A serialized SummaryMetadata { plugin_data { plugin_name: "scalars" } data_class: SCALAR }, as
# `tf.summary.scalar` writes it; that function requires TensorBoard to be installed.
_SCALAR = b"\n\t\n\x07scalars\x20\x01"


class EventFile:
    """A TensorBoard event file in `folder`; a disk error closes it with a warning."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._writer: Any = None
        with self._given_up_on_failure():
            self._writer = tf.summary.create_file_writer(str(folder))

    def write(self, values: Mapping[str, float], step: int) -> None:
        """Writes scalars by name."""
        if self._writer is None:
            return
        with self._given_up_on_failure():
            with self._writer.as_default(step=step):
                for name, value in values.items():
                    tf.summary.write(name, tf.constant(value, tf.float32), metadata=_SCALAR)
            self._writer.flush()

    def close(self) -> None:
        """Closes the file."""
        if self._writer is not None:
            with self._given_up_on_failure():
                self._writer.close()

    @contextmanager
    def _given_up_on_failure(self) -> Iterator[None]:
        try:
            yield
        except tf.errors.OpError as error:
            self._writer = None
            log.warning(
                "%s: the event file cannot be written; later events are lost: %s",
                self._folder,
                plain_words(error),
            )
