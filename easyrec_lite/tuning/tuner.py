"""Runs the trials of a study: starts processes, reads their evaluations, prunes, keeps the best."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import FrameType

from easyrec_lite.core.errors import DataError, Place, Problem, RunError
from easyrec_lite.training.history import EvaluationRecord
from easyrec_lite.tuning.folder import StudyFolder
from easyrec_lite.tuning.objective import Objective
from easyrec_lite.tuning.process import POLL_SECONDS, RESULT_CODES, TRAIN, TrialProcess
from easyrec_lite.tuning.study import DONE, FAILED, RUNNING, Study, Trial, TrialRow

GRACE_SECONDS = 60.0
# So many trials that fail, and none that does not, end the study.
MOST_FAILURES = 3


@dataclass(frozen=True)
class Plan:
    """How a study is run; all of it may change when a study is continued.

    Attributes:
      trials: how many trials the study has at its end.
      jobs: how many run at a time.
      keep: the checkpoints of how many of the best trials stay on the disk.
      edits: path → value of each trial beside its settings.
      seed: path and first value of a field that counts up with the trials; None for none.
      flags: further flags of the command.
      command: the words before the flags of `train`.
      poll_seconds: how often the processes are looked at.
      grace: seconds between SIGTERM and SIGKILL.
    """

    trials: int
    jobs: int = 1
    keep: int = 1
    edits: Mapping[str, object] = field(default_factory=dict)
    seed: tuple[str, int] | None = None
    flags: Sequence[str] = ()
    command: Sequence[str] = TRAIN
    poll_seconds: float = POLL_SECONDS
    grace: float = GRACE_SECONDS


class Tuner:
    """Runs trials until the study has as many as planned.

    Args:
      study: the trials.
      objective: what they are compared by.
      folder: the files.
      plan: how the study is run.
      ended: called with all rows, the row of a trial that ended, and the best row.
    """

    def __init__(
        self,
        study: Study,
        objective: Objective,
        folder: StudyFolder,
        plan: Plan,
        ended: Callable[[list[TrialRow], TrialRow, TrialRow | None], None],
    ):
        self._study, self._objective, self._folder, self._plan = study, objective, folder, plan
        self._ended = ended
        self._running: list[tuple[Trial, TrialProcess]] = []
        self._failures = 0
        self._kills = False
        self.stopped = 0

    def run(self) -> int:
        """Runs the trials.

        Returns:
          0; 128 + the number of the signal that stopped the study.

        Raises:
          RunError: all trials failed.
          Others: as of the study's storage; no process is left behind.
        """
        with _signals(self._stop):
            try:
                self._keep()
                self._run(self._study.unfinished())
            finally:  # there are processes here after an error only
                for _, process in self._running:
                    process.kill()
        if self.stopped:
            return 128 + self.stopped
        self._check_failures()
        return 0

    def _run(self, waiting: list[Trial]) -> None:
        while True:
            for trial, process in list(self._running):
                self._look(trial, process)
            while not self.stopped and len(self._running) < self._plan.jobs:
                if not (waiting or self._more()):
                    break
                self._start(waiting.pop(0) if waiting else self._study.ask())
            if not self._running:
                return
            time.sleep(self._plan.poll_seconds)

    def _more(self) -> bool:
        """Returns whether another trial may start."""
        return self._failures < MOST_FAILURES and self._study.count() < self._plan.trials

    def _stop(self, number: int) -> None:
        self._kills = bool(self.stopped)
        self.stopped = number

    def _start(self, trial: Trial) -> None:
        plan = self._plan
        own: dict[str, object] = {}
        if plan.seed is not None:
            own[plan.seed[0]] = plan.seed[1] + trial.number
        process = TrialProcess(
            self._folder.trial(trial.number),
            plan.command,
            self._folder.config,
            {**plan.edits, **own, **trial.edits},
            plan.flags,
        )
        self._running.append((trial, process))

    def _look(self, trial: Trial, process: TrialProcess) -> None:
        """Reads what a process has evaluated, ends it if it must end, records its end."""
        if self.stopped:
            process.end(0.0 if self._kills else self._plan.grace)
        code = process.code()  # before the evaluations, which are then complete
        try:
            records = process.evaluations()
        except DataError as error:
            process.end(self._plan.grace)
            if code is not None:
                self._finish(trial, process, partial(trial.failed, error.problems[0].message))
            return
        prune = trial.report(self._objective.series(records))
        if code is not None:
            self._record(trial, process, code, records)
        elif prune:
            process.pruned = True
            process.end(self._plan.grace)

    def _record(
        self, trial: Trial, process: TrialProcess, code: int, records: list[EvaluationRecord]
    ) -> None:
        best = self._objective.result(records)
        if code in RESULT_CODES and best is not None:
            value = best.metrics[self._objective.metric]
            self._finish(trial, process, partial(trial.done, value, best.step))
        elif code in RESULT_CODES:
            cause = f"its evaluations hold no finite value of {self._objective.metric}"
            self._finish(trial, process, partial(trial.failed, cause))
        elif process.pruned:
            self._finish(trial, process, partial(trial.pruned, records[-1].step))
        elif self.stopped:
            # The trial stays marked as running: the next start continues it.
            trial.spent(process.seconds)
            self._running.remove((trial, process))
        else:
            self._finish(trial, process, partial(trial.failed, process.cause(code)))

    def _finish(self, trial: Trial, process: TrialProcess, tell: Callable[[], None]) -> None:
        trial.spent(process.seconds)
        tell()
        self._running.remove((trial, process))
        rows = self._study.rows()
        row = rows[trial.number]
        failed = row.state == FAILED
        self._failures = self._failures + 1 if failed and not _done(rows) else 0
        self._keep()
        self._ended(rows, row, next(iter(self.best(rows)), None))

    def _keep(self) -> None:
        rows = self._study.rows()
        kept = [row.number for row in self.best(rows)[: self._plan.keep]]
        ended = [row.number for row in rows if row.state != RUNNING]
        self._folder.keep(kept, ended)

    def best(self, rows: Sequence[TrialRow]) -> list[TrialRow]:
        """Returns the trials that are done, best first, the earlier of equals."""
        sign = -1.0 if self._objective.bigger else 1.0
        return sorted(_done(rows), key=lambda row: (sign * (row.value or 0.0), row.number))

    def _check_failures(self) -> None:
        """Fails if no trial has a result.

        Raises:
          RunError: that is the case; tells the causes.
        """
        rows = self._study.rows()
        failed = [row for row in rows if row.state == FAILED]
        if _done(rows) or not failed:
            return
        raise RunError(
            Problem(
                f"all {len(failed)} trials failed",
                Place(str(self._folder.log(failed[-1].number))),
                found=failed[-1].cause,
                remedy="correct the cause, then give another --study_dir, or more --trials",
            )
        )


def _done(rows: Sequence[TrialRow]) -> list[TrialRow]:
    return [row for row in rows if row.state == DONE]


@contextmanager
def _signals(stop: Callable[[int], None]) -> Iterator[None]:
    """Within the block SIGTERM and SIGINT call `stop`; in the main thread only."""

    def handle(number: int, frame: FrameType | None) -> None:
        stop(number)

    main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGTERM, signal.SIGINT) if main else ()
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
