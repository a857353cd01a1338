"""SIGTERM: the run saves a checkpoint and ends."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from easyrec_lite.training.hooks import Hook

SIGTERM_REASON = "SIGTERM was received"
EXIT_CODE = 128 + signal.SIGTERM
# How long Python may take to handle a signal that ends the run at once: it cannot while it waits
# inside TensorFlow, for example for another process.
HANDLED_SECONDS = 10.0
log = logging.getLogger(__name__)


class Terminated(SystemExit):
    """SIGTERM was received; the process exits with 143 unless this is caught."""

    def __init__(self) -> None:
        super().__init__(EXIT_CODE)


class Preemption(Hook):
    """Ends a run on SIGTERM.

    During training the run finishes its step and saves a checkpoint first. Elsewhere, as in an
    evaluation or an export, it ends at once: incomplete outputs are never visible, and the next
    start makes them again. If Python cannot handle the signal, because it waits inside TensorFlow,
    the process ends after `HANDLED_SECONDS`.

    As a context manager it handles the signal within the block, in the main thread alone, where
    Python allows it.
    """

    def __init__(self) -> None:
        self._asked = False
        self._waits = False
        self._before: Any = None
        self._alarm: _Alarm | None = None

    def __enter__(self) -> Preemption:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._handle)
            self._alarm = _Alarm(lambda: self._asked or self._waits)
        return self

    def __exit__(self, *error: object) -> None:
        if self._alarm is not None:
            self._alarm.close()
            signal.signal(signal.SIGTERM, self._before)
            self._alarm = None
        if self._asked:
            log.warning("stopped by SIGTERM; the same command resumes from the newest checkpoint")

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        if not self._waits:
            raise Terminated

    def should_stop(self, step: int) -> str:
        """Returns the reason to stop if the signal was received, or ""."""
        return SIGTERM_REASON if self._asked else ""

    def check(self) -> None:
        """Ends the run if the signal was received.

        Raises:
          Terminated: it was.
        """
        if self._asked:
            raise Terminated

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Within the block the signal takes effect at the next `check`."""
        yield from self._within(True)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Within the block, inside a `waiting` one, the signal raises `Terminated` at once."""
        yield from self._within(False)

    def _within(self, waits: bool) -> Iterator[None]:
        before, self._waits = self._waits, waits
        try:
            if not waits:
                self.check()
            yield
        finally:
            self._waits = before


class _Alarm:
    """Ends the process when SIGTERM was received and Python does not handle it.

    The number of each signal is written to a pipe at once, whatever Python does; a thread reads it.

    Args:
      fine: returns whether the signal was handled, or may wait.
    """

    def __init__(self, fine: Any):
        self._fine = fine
        self._closed = threading.Event()
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while number := os.read(self._read, 1):
            if number[0] != signal.SIGTERM:
                continue
            if not self._closed.wait(HANDLED_SECONDS) and not self._fine():
                log.warning(
                    "stopped by SIGTERM; the same command resumes from the newest checkpoint"
                )
                os._exit(EXIT_CODE)

    def close(self) -> None:
        signal.set_wakeup_fd(self._before)
        self._closed.set()
        os.close(self._write)  # the thread reads the end of the pipe
        self._thread.join()
        os.close(self._read)
