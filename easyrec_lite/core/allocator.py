"""Keeps freed memory in the process, since each step allocates it again: glibc's `mallopt`.

Pages that are returned to the system are cleared before they are allocated again, and a training
step would wait for that. With another C library nothing is changed.
"""

from __future__ import annotations

import ctypes
import platform

# M_TOP_PAD: bytes that are allocated and kept beyond those in use, in each heap;
# M_MMAP_THRESHOLD: size from which on freed memory is returned to the system at once.
OPTIONS = {-2: 64 << 20, -3: 32 << 20}

_wanted = False


def keep_freed_memory() -> None:
    """Makes the C library keep freed memory from now on; see `mallopt(3)`."""
    global _wanted
    _wanted = platform.libc_ver()[0] == "glibc"
    keep_on()


def keep_on() -> None:
    """Sets the options again, if they were set, after a library may have changed them."""
    if _wanted:
        for option, size in OPTIONS.items():
            ctypes.CDLL(None).mallopt(option, size)
