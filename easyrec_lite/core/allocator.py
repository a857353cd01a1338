"""Freed memory that stays with the process, as each step asks for it again: glibc's `mallopt`.

Pages that go back to the system are cleared before they come again, which a training step would
wait for. Where the C library is another one, it decides for itself.
"""

from __future__ import annotations

import ctypes
import platform

# M_TOP_PAD: bytes that are asked for, and kept, besides those in use, in each of its heaps;
# M_MMAP_THRESHOLD: bytes from which on memory goes straight back to the system.
OPTIONS = {-2: 64 << 20, -3: 32 << 20}

_wanted = False


def keep_freed_memory() -> None:
    """Lets the C library keep what is freed, from now on; see `mallopt(3)`."""
    global _wanted
    _wanted = platform.libc_ver()[0] == "glibc"
    keep_on()


def keep_on() -> None:
    """Does so again if it was asked for, and something may have set the options otherwise."""
    if _wanted:
        for option, size in OPTIONS.items():
            ctypes.CDLL(None).mallopt(option, size)
