"""The identity of a process: its id and its start, since ids are reused.

In a container every run may have the id 1, and the same host name as the run before it.
"""

from __future__ import annotations

import functools
import os
import time
from pathlib import Path

from easyrec_lite.core import filesystem as fs

_PROC = Path("/proc")
# The index of the start among the fields of `/proc/PID/stat` after the name in brackets: it is
# field 22 in proc(5), and the first field after the name is field 3.
_START = 22 - 3


def own_start() -> str:
    """Returns a number that distinguishes this process from earlier ones with its id."""
    return _own_start(os.getpid())


@functools.lru_cache
def _own_start(pid: int) -> str:
    return _start("self") or str(time.time_ns())


def may_live(pid: int, start: str) -> bool:
    """Returns whether a process of this machine runs, or may run.

    Args:
      pid: its id.
      start: its `own_start`; "" if that is not known.
    """
    if pid == os.getpid():
        return start == own_start()
    if not _runs(pid):
        return False
    known = _start(str(pid)) if _counts_as_we_do() else ""
    return not start or not known or start == known


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # under another user
        return True
    return True


def _counts_as_we_do() -> bool:
    """Returns whether `/proc` has the ids of this process's namespace, not of the machine's."""
    return fs.real_path(_PROC / "self").name == str(os.getpid())


def _start(process: str) -> str:
    """Returns when a process started, in ticks since the start of the machine; "" if unknown."""
    try:
        text = fs.read_text(_PROC / process / "stat", errors="replace")
        return text.rpartition(")")[2].split()[_START]
    except (OSError, IndexError):
        return ""
