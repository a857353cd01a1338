"""The end of a run: the chief of a cluster announces it by a file in the model folder."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import ProblemError, RunError
from easyrec_lite.core.files import atomic_write

FILE = "ended.json"
POLL_SECONDS = 0.5
log = logging.getLogger(__name__)


@contextmanager
def announce_end(folder: Path) -> Iterator[None]:
    """Announces at the end of the block that the run has ended, with its exit code.

    Raises:
      RunError: the run succeeded, but the file cannot be written.
    """
    fs.remove_file(folder / FILE, missing_ok=True)
    code = 1
    try:
        yield
        code = 0
    except ProblemError as error:
        code = error.exit_code
        raise
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
        raise
    finally:
        _tell(folder / FILE, code)


def _tell(path: Path, code: int) -> None:
    """Writes the file; after a failed run an error here is only logged."""
    try:
        atomic_write(path, json.dumps({"exit_code": code}) + "\n")
    except RunError as error:
        if not code:
            raise
        log.warning("%s", error)


class RunEndWatcher:
    """Waits for the end of the chief's run.

    Create it before the chief can have started: a file that exists by then belongs to an earlier
    run.

    Args:
      folder: the model folder, the same for all processes.
    """

    def __init__(self, folder: Path):
        self._path = folder / FILE
        self._before = self._state()

    def code(self) -> int | None:
        """Returns the exit code of the run; None while it runs."""
        state = self._state()
        if state is None or state == self._before:
            return None
        try:
            return int(json.loads(fs.read_text(self._path))["exit_code"])
        except FileNotFoundError:  # a new run has just removed it
            return None

    def wait(self) -> int:
        """Waits for the end of the run and returns its exit code."""
        while (code := self.code()) is None:
            time.sleep(POLL_SECONDS)
        return code

    def _state(self) -> tuple[int, int] | None:
        try:
            status = fs.stat(self._path)
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns
