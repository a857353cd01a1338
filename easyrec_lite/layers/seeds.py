"""Seeds of layers, all derived from the run's one seed."""

from __future__ import annotations

import zlib


def derive_seed(seed: int, name: str) -> int:
    """Returns the 31-bit seed of what is called `name` in a run of `seed`.

    It is a function of its arguments alone: the same in every process, unlike `hash`.
    """
    return zlib.crc32(f"{seed}:{name}".encode()) & 0x7FFFFFFF
