"""Sets of items as a matrix, by loops."""

from __future__ import annotations

import numpy as np

from benchmarks.ncf.held_out import HeldOut


def seen_matrix(held_out: HeldOut) -> np.ndarray:
    """Returns bool [Q, M]."""
    seen = np.zeros((len(held_out.users), len(held_out.items)), bool)
    for query, (start, stop) in enumerate(
        zip(held_out.seen.offsets[:-1], held_out.seen.offsets[1:], strict=True)
    ):
        for item in held_out.seen.items[start:stop]:
            seen[query, item] = True
    return seen
