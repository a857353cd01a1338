"""The progress of a ranking: a bar on a terminal, else a log line now and then."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from easyrec_lite.evaluation.ranking.ranking import ScoreCallback

SECONDS = 10.0
log = logging.getLogger(__name__)


@contextmanager
def ranking_progress(total: int, bar: bool) -> Iterator[ScoreCallback]:
    """Yields the function to call with the number of scores that were computed.

    Args:
      total: the number of all scores.
      bar: whether a bar may be shown; it is shown on a terminal only.
    """
    if bar and sys.stdout.isatty():
        with _bar(total) as report:
            yield report
    else:
        yield ProgressLog(total).report


class ProgressLog:
    """Logs a line every `SECONDS`; a short ranking logs nothing."""

    def __init__(self, total: int):
        self._total, self._done = total, 0
        self._start = self._last = time.monotonic()

    def report(self, scores: int) -> None:
        """Adds `scores` computed scores."""
        self._done += scores
        now = time.monotonic()
        if now - self._last < SECONDS:
            return
        self._last = now
        speed = self._done / (now - self._start)
        left = (self._total - self._done) / speed
        share = self._done / max(self._total, 1)
        log.info("ranked %.0f%%, %s, %.0f s left", 100 * share, _speed(speed), left)


@contextmanager
def _bar(total: int) -> Iterator[ScoreCallback]:
    start, done = time.monotonic(), 0
    columns = (TextColumn("ranking"), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, TimeRemainingColumn(), transient=True) as progress:
        task = progress.add_task("", total=total)

        def report(scores: int) -> None:
            nonlocal done
            done += scores
            speed = done / max(time.monotonic() - start, 1e-9)
            progress.update(task, completed=done, description=_speed(speed))

        yield report


def _speed(scores: float) -> str:
    return f"{scores / 1e6:,.0f} million scores/s"
