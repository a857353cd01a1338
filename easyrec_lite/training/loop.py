"""The training loop: steps, and what happens between them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from easyrec_lite.core.errors import Place, Problem, RunError
from easyrec_lite.protos.messages import TrainConfig
from easyrec_lite.training.hooks import Hook, StepReport
from easyrec_lite.training.step import Trainer

# Seconds of one call of many steps. Hooks, and a user's interrupt, wait for its end.
CALL_SECONDS = 1.0


@dataclass(frozen=True)
class Periods:
    """When a run logs and saves, in steps; 0 is never.

    Attributes:
      total: steps of the run; None when the data decides.
      log: steps between two reports.
      save: steps between two checkpoints.
      save_seconds: seconds between two checkpoints.
    """

    total: int | None
    log: int
    save: int
    save_seconds: int = 0


@dataclass(frozen=True)
class StepPlan:
    """What the loop does next.

    Attributes:
      steps: how many steps to do in one call.
      save: whether to write a checkpoint before them.
      stop: why to stop instead; "" to go on.
    """

    steps: int
    save: bool = False
    stop: str = ""


class TrainingLoop:
    """Trains until all steps are done or the data ends.

    Args:
      trainer: runs the steps.
      periods: when to log and save.
      hooks: called at each event.
      save: writes a checkpoint at a step, and evaluates and exports if asked.
      locate: number of a row in the next batch, from 0 → its place in the data.
      agree: this process's plan → the plan that all processes of the run follow.
    """

    def __init__(
        self,
        trainer: Trainer,
        periods: Periods,
        hooks: Sequence[Hook],
        save: Callable[[int], None],
        locate: Callable[[int], Place],
        agree: Callable[[StepPlan], StepPlan] = lambda plan: plan,
    ):
        self._trainer = trainer
        self._periods = periods
        self._hooks = hooks
        self._save = save
        self._locate = locate
        self._agree = agree
        self._step = int(trainer.step)
        self._saved_step = self._step
        self._clock = _Clock(self._step)

    def run(self, iterator: Any) -> str:
        """Trains on the batches of `iterator` and returns why the run ended.

        Raises:
          RunError: a loss or gradient was not finite.
          tf.errors.OpError: the input failed.
        """
        reason = ""
        while not reason:
            if self._periods.total is not None and self._step >= self._periods.total:
                reason = "all steps are done"
                break
            plan = self._agree(self._plan())
            if plan.save:
                self._checkpoint()
            reason = plan.stop or self._steps(iterator, plan.steps)
        if self._step != self._saved_step:
            self._checkpoint()
        return reason

    def _plan(self) -> StepPlan:
        seconds = self._periods.save_seconds
        late = bool(seconds) and self._clock.since_save() >= seconds
        save = late and self._step != self._saved_step
        return StepPlan(self._call_steps(), save, self._stop_reason() if self._step else "")

    def _steps(self, iterator: Any, count: int) -> str:
        """Runs up to `count` steps and what is due after them; returns why to stop, or ""."""
        before = self._step
        more = self._trainer.run(iterator, count)
        self._step = int(self._trainer.step)
        if not bool(self._trainer.finite):
            raise RunError(self._not_finite(self._step + 1))
        self._clock.begin(self._trainer, self._step)
        if self._step != before:
            self._between(before)
        return "" if more else "all data is read"

    def _not_finite(self, step: int) -> Problem:
        shown = self._trainer.shown()
        suspects = [f"{name} = {v}" for name, v in shown.items() if not abs(v) < float("inf")]
        place = Place()
        for name, row in self._trainer.not_finite().items():
            of_rows = name.startswith("feature") and not name.endswith("items")
            if of_rows and place == Place():
                place = self._locate(row)
            suspects.append(f"{name}, row {row + 1} of the batch" if of_rows else name)
        return Problem(
            f"step {step} is not finite: it changed no weight, and the run stops",
            place,
            expected="finite features, losses and gradients",
            found=", ".join(suspects),
            remedy="lower the learning rate, set gradient_clipping_by_norm, or look for extreme "
            "values in the float features; the newest checkpoint is not affected",
        )

    def _stop_reason(self) -> str:
        return next(filter(None, (hook.should_stop(self._step) for hook in self._hooks)), "")

    def _between(self, before: int) -> None:
        """Logs and saves if a multiple of the period is in (`before`, this step]."""
        log, save = self._periods.log, self._periods.save
        if log and self._step // log > before // log:
            report = self._clock.report(self._trainer, self._step, self._periods.total)
            for hook in self._hooks:
                hook.report(report)
        if save and self._step // save > before // save and self._step != self._saved_step:
            self._checkpoint()

    def _checkpoint(self) -> None:
        self._saved_step = self._step
        start = time.monotonic()
        self._save(self._step)
        self._clock.pause(time.monotonic() - start)

    def _call_steps(self) -> int:
        """Returns the steps until the next event, at most those that fit into `CALL_SECONDS`."""
        step, periods = self._step, self._periods
        ends = [period - step % period for period in (periods.log, periods.save) if period]
        if periods.total is not None:
            ends.append(periods.total - step)
        return max(1, min([*ends, self._clock.steps_in(CALL_SECONDS, step)]))


class _Clock:
    """Measures the wall-clock time of a run, without that of saving and evaluating."""

    def __init__(self, step: int):
        self._since = self._saved = time.monotonic()
        self._from = step
        self._per_step = 0.0
        self._begun = False

    def begin(self, trainer: Trainer, step: int) -> None:
        """Starts counting after the first call, which includes the tracing of the step."""
        if not self._begun:
            self._begun = True
            self._since, self._from = time.monotonic(), step
            trainer.take_counts()

    def report(self, trainer: Trainer, step: int, total: int | None) -> StepReport:
        seconds = max(time.monotonic() - self._since, 1e-9)
        rows, waited = trainer.take_counts()
        self._per_step = seconds / max(step - self._from, 1)
        left = None if total is None else (total - step) * self._per_step
        self._since, self._from = time.monotonic(), step
        return StepReport(
            step, total, trainer.shown(), rows / seconds, min(waited / seconds, 1.0), left
        )

    def since_save(self) -> float:
        return time.monotonic() - self._saved

    def pause(self, seconds: float) -> None:
        """Excludes the `seconds` of a checkpoint from the speed of the next report."""
        self._saved = time.monotonic()
        self._since += seconds

    def steps_in(self, seconds: float, step: int) -> int:
        """Returns how many steps fit into `seconds`, by the speed since the last report."""
        if step > self._from and self._begun:
            self._per_step = (time.monotonic() - self._since) / (step - self._from)
        return int(seconds / self._per_step) if self._per_step else 1


def periods_of(train_config: TrainConfig) -> Periods:
    """Returns the periods that a `TrainConfig` asks for; `save_checkpoints_secs` wins if set."""
    by_time = train_config.HasField("save_checkpoints_secs") and train_config.save_checkpoints_secs
    return Periods(
        total=train_config.num_steps or None,
        log=train_config.log_step_count_steps,
        save=0 if by_time else train_config.save_checkpoints_steps,
        save_seconds=train_config.save_checkpoints_secs if by_time else 0,
    )
