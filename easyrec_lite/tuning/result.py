"""Tells how a study goes: lines of trials, `best.config`, the page, the last words."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence

from easyrec_lite.config import load, save
from easyrec_lite.config.save import CONFIG_FILE
from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.files import atomic_write
from easyrec_lite.tuning.folder import StudyFolder
from easyrec_lite.tuning.objective import RANKING, Objective
from easyrec_lite.tuning.page import StudyResult, study_page
from easyrec_lite.tuning.request import Request
from easyrec_lite.tuning.study import DONE, FAILED, RUNNING, Study, TrialRow
from easyrec_lite.tuning.table import OWN_SETTINGS, TrialTable, counts, train_command

# The page is written after a trial at most so often, and at the end.
PAGE_SECONDS = 60.0


class Reporter:
    """Prints lines and writes the results of a study.

    Args:
      request: what was asked for.
      target: what is optimised.
      folder: the files.
      study: the trials.
      seed: path and first value of the trials' seeds; None if the space has the seed.
    """

    def __init__(
        self,
        request: Request,
        target: Objective,
        folder: StudyFolder,
        study: Study,
        seed: tuple[str, int] | None,
    ):
        self._request, self._target, self._folder = request, target, folder
        self._study, self._seed = study, seed
        self._table = TrialTable(request.space, target.metric)
        self._written = time.monotonic()

    def start(self, continued: bool) -> None:
        """Prints what is about to happen."""
        rows = self._study.rows()
        direction = "largest" if self._target.bigger else "smallest"
        which = "best" if self._target.best else "last"
        print(f"study: {self._folder.path}, {self._request.trials} trials")
        print(f"metric: {self._target.metric}, {direction}, of a trial's {which} evaluation")
        for each in self._request.space:
            print(f"search: {each.path} = {each}")
        if continued:
            left = sum(row.state == RUNNING for row in rows)
            print(f"continued: {counts(rows)}" + ("; those running are resumed" if left else ""))
        print(self._table.head(), flush=True)

    def ended(self, rows: list[TrialRow], row: TrialRow, best: TrialRow | None) -> None:
        """Prints a trial that ended; writes the best config when it is the best so far."""
        is_best = best is not None and best.number == row.number
        log = f"; {self._folder.log(row.number)}" if row.state == FAILED else ""
        print(self._table.line(row, is_best) + log, flush=True)
        if is_best:
            save(load(self._folder.config, self.edits(row)), self._folder.best)
        if time.monotonic() - self._written > PAGE_SECONDS:
            self._page(rows, best)

    def finish(self, best: TrialRow | None, stopped: bool) -> None:
        """Prints the result, and writes the page."""
        rows = self._study.rows()
        print(f"{'stopped' if stopped else 'done'}: {counts(rows)}")
        for row in rows:
            if row.own and row.state == DONE:
                print(f"{OWN_SETTINGS}: trial {row.number}, {self._target.metric} {row.value:.6g}")
        if best is not None and best.value is not None:
            print(self._result(best, best.value))
        self._page(rows, best)
        print(f"page: {self._folder.page}")
        if stopped:
            print("the same command continues the study")

    def edits(self, row: TrialRow) -> dict[str, object]:
        """Returns the edits of a trial, its seed included."""
        own = {} if self._seed is None else {self._seed[0]: self._seed[1] + row.number}
        space = self._request.space
        return {**own, **{each.path: each.edit(row.settings[each.path]) for each in space}}

    def _result(self, best: TrialRow, value: float) -> str:
        config = self._folder.model(best.number) / CONFIG_FILE
        ranking = " --full_ranking" if self._target.metric.startswith(RANKING) else ""
        return "\n".join(
            [
                f"best: trial {best.number}, {self._target.metric} {value:.6g} at step {best.step}",
                self.command(best),
                f"config: {self._folder.best}",
                "the value is of the data that the settings were chosen by; for a figure to "
                "report, evaluate once on test data:",
                f"  python -m easyrec_lite.evaluate --config {shlex.quote(str(config))} "
                f"--eval_input_path TEST_DATA{ranking}",
            ]
        )

    def command(self, row: TrialRow) -> str:
        """Returns the command that trains with the settings of a trial."""
        edits = {**self._request.edits, **self.edits(row)}
        return train_command(self._request.config, edits, self._request.plugins)

    def _page(self, rows: Sequence[TrialRow], best: TrialRow | None) -> None:
        """Writes the page, which a failure of the page must not fail."""
        self._written = time.monotonic()
        try:
            result = StudyResult(
                self._folder.path.name,
                self._request.space,
                self._target,
                rows,
                best,
                self._study.importances(),
                "" if best is None else self.command(best),
                fs.read_text(self._folder.config),
            )
            atomic_write(self._folder.page, study_page(result))
        except Exception as error:
            print(f"page: not written: {type(error).__name__}: {error}", file=sys.stderr)
