"""Runs that go on from a copy of their folder, as a process that was killed leaves it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from easyrec_lite.config import Pipeline
from easyrec_lite.runs.estimator import Estimator, Hook
from easyrec_lite.training.hooks import StepReport
from tests.e2e.running import checkpoint_values


class Recorder(Hook):
    """Keeps what each report says of losses and gradients; interrupts after `until` steps."""

    def __init__(self, until: int = 10**9):
        self.values: dict[int, Mapping[str, float]] = {}
        self._until = until

    def report(self, report: StepReport) -> None:
        self.values[report.step] = report.values
        if report.step >= self._until:
            raise KeyboardInterrupt


class Copies(Hook):
    """Copies a run's folder when the checkpoint of a step has been written."""

    def __init__(self, step: int, folder: Path, copy: Path):
        self._step, self._folder, self._copy = step, folder, copy

    def checkpoint(self, step: int, prefix: str) -> None:
        if step == self._step:
            shutil.copytree(self._folder, self._copy)


def assert_goes_on(pipeline: Callable[[Path], Pipeline], folder: Path, middle: int) -> None:
    """Asserts that losses and weights from a run's step `middle` on do not depend on a stop there.

    Args:
      pipeline: model folder → a config that saves at `middle`, and logs after it.
      folder: where the runs go.
      middle: the step.
    """
    run, half = folder / "run", folder / "half"
    whole, rest = Recorder(), Recorder()
    expected = Estimator(pipeline(run), [whole, Copies(middle, run, half)]).train()
    found = Estimator(pipeline(half), [rest]).train()
    assert middle < min(rest.values)
    assert rest.values == {step: values for step, values in whole.values.items() if step > middle}
    assert_equal_checkpoints(found.checkpoint, expected.checkpoint)


def assert_equal_checkpoints(found: str | None, expected: str | None) -> None:
    """Asserts that all variables are equal to the last bit."""
    ours, theirs = checkpoint_values(found), checkpoint_values(expected)
    assert ours.keys() == theirs.keys()
    differing = [name for name, value in ours.items() if not np.array_equal(value, theirs[name])]
    assert differing == []
