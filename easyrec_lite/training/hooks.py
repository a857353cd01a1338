"""What watches a run: one method an event, all optional."""

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
    """What a run has to say at a step.

    Attributes:
      step: steps done.
      total_steps: steps to do, or None when the data decides.
      values: loss parts, total loss, gradient norm, learning rates of the last step.
      examples_per_second: rows trained on, by wall-clock time since the last report.
      wait_share: share of that time in which the step waited for input, 0 to 1.
      seconds_left: an estimate, or None.
    """

    step: int
    total_steps: int | None
    values: Mapping[str, float]
    examples_per_second: float
    wait_share: float
    seconds_left: float | None


class Hook:
    """Base of hooks: override what is of interest. Hooks run in the order they are given."""

    def begin(self, trainer: Any, total_steps: int | None) -> None:
        """The run starts (or goes on) at `trainer.step`."""

    def report(self, report: StepReport) -> None:
        """`log_step_count_steps` more steps are done."""

    def checkpoint(self, step: int, prefix: str) -> None:
        """A checkpoint was written."""

    def evaluated(self, step: int, metrics: Mapping[str, float]) -> None:
        """The model was evaluated."""

    def should_stop(self, step: int) -> str:
        """Returns why the run should stop now, or ''."""
        return ""

    def end(self, step: int) -> None:
        """The run is over, also when by an error."""


class Summaries(Hook):
    """Writes TensorBoard event files: training to the model folder, evaluation to `eval/` in it.

    They are only to be looked at: where they cannot be written, a warning says so once, and the run
    goes on without them.

    Args:
      folder: the model folder.
      every: write training values when so many steps were done since the last time.
    """

    def __init__(self, folder: Path, every: int):
        self._every = max(every, 1)
        self._next = 0
        self._train, self._eval = EventFile(folder), EventFile(folder / "eval")

    def report(self, report: StepReport) -> None:
        """Writes losses, rates, speed and input wait."""
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
# `tf.summary.scalar` writes it; that function itself asks for an installed TensorBoard.
_SCALAR = b"\n\t\n\x07scalars\x20\x01"


class EventFile:
    """An event file of TensorBoard in `folder`; given up with a warning when the disk fails."""

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
                "%s: the event file cannot be written, TensorBoard will miss what follows: %s",
                self._folder,
                plain_words(error),
            )
