"""One training run for each model folder: a lock that ends with its process."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from easyrec_lite.core import filesystem as fs
from easyrec_lite.core.errors import Place, Problem, RunError
from easyrec_lite.core.files import writing

FILE = "run.lock"
log = logging.getLogger(__name__)


@contextmanager
def exclusive_run(
    folder: Path, what: str = "another run trains into this model_dir", flag: str = "--model_dir"
) -> Iterator[None]:
    """Within the block no other process holds the lock of `folder`, which is created if necessary.

    The operating system releases the lock with the process, so that a killed run blocks nobody.
    `run.lock` in the folder names the owner.

    Args:
      folder: the folder.
      what: the message when another process holds the lock.
      flag: the flag that names the folder.

    Raises:
      RunError: another run holds the lock; names its process id, host and start. Or the folder
        cannot be written to.
    """
    path = folder / FILE
    with writing(path):
        fs.make_folder(folder)
        lock = _take(path, what, flag)
    try:
        with writing(path):
            _sign(lock)
        yield
    finally:
        fs.remove_file(path, missing_ok=True)
        os.close(lock)


def _sign(lock: int) -> None:
    owner = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "started": datetime.now().isoformat(timespec="seconds"),
    }
    os.truncate(lock, 0)
    os.write(lock, (json.dumps(owner) + "\n").encode())


def _take(path: Path, what: str, flag: str) -> int:
    """Returns the open lock file, locked; it is the one that `path` names."""
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(_held(path, lock, what, flag)) from None
        except OSError as error:
            log.warning("%s: %s; two simultaneous runs are not detected", path, error.strerror)
            return lock
        if _is_at(path, lock):
            return lock
        os.close(lock)  # its owner removed it between our opening and our locking it


def _is_at(path: Path, lock: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(lock))
    except FileNotFoundError:
        return False


def _held(path: Path, lock: int, what: str, flag: str) -> Problem:
    text = os.read(lock, 1000).decode(errors="replace")
    os.close(lock)
    try:
        owner = json.loads(text)
        holder = "process {pid} on host {host}, started {started}".format(**owner)
    except (ValueError, KeyError, TypeError):
        holder = "a process that has not written its id yet"
    return Problem(
        what,
        Place(str(path.parent)),
        expected="one run for each folder",
        found=holder,
        remedy=f"wait for it, stop it, or give another {flag}",
    )
