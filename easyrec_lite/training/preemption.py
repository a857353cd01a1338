"""SIGTERM: a run that is told to go saves what it has and goes."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from easyrec_lite.training.hooks import Hook

SIGTERM_REASON = "SIGTERM came"
EXIT_CODE = 128 + signal.SIGTERM
log = logging.getLogger(__name__)


class Terminated(SystemExit):
    """The run was told to stop; the process exits with 143 unless this is caught."""

    def __init__(self) -> None:
        super().__init__(EXIT_CODE)


class Preemption(Hook):
    """Ends a run on SIGTERM.

    While the run trains, the signal waits for the end of the step, and then for a checkpoint.
    Elsewhere, as in an evaluation or an export, it ends the run at once: what is being written lies
    aside until it is whole, and the next start does it again.

    As a context manager it takes over the signal, in the main thread alone, where Python allows it.
    """

    def __init__(self) -> None:
        self._asked = False
        self._waits = False
        self._before: Any = None

    def __enter__(self) -> Preemption:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
        if self._asked:
            log.warning("stopped by SIGTERM; the same command goes on from the newest checkpoint")

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        if not self._waits:
            raise Terminated

    def should_stop(self, step: int) -> str:
        """Returns that the signal came, or ''."""
        return SIGTERM_REASON if self._asked else ""

    def check(self) -> None:
        """Ends the run if the signal came.

        Raises:
          Terminated: it did.
        """
        if self._asked:
            raise Terminated

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Within the block the signal waits for `check`."""
        yield from self._within(True)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Within the block, inside one of `waiting`, the signal raises `Terminated` at once."""
        yield from self._within(False)

    def _within(self, waits: bool) -> Iterator[None]:
        before, self._waits = self._waits, waits
        try:
            if not waits:
                self.check()
            yield
        finally:
            self._waits = before
