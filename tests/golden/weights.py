"""The weights that EasyRec's numbers were computed with: a function of a variable's name."""

from __future__ import annotations

import zlib

import numpy as np

TABLE_DEVIATION, VECTOR_DEVIATION = 0.3, 0.1
KERNEL_VARIANCE = 1.5


def initial_value(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the float32 value of variable `name` before the first step.

    Draws are seeded by the CRC-32 of the name: normal ones, but uniform in 0.7 … 1.3 for a batch
    norm's gamma and in 0.5 … 1.5 for its moving variance. A kernel's variance is
    `KERNEL_VARIANCE` by the size of all axes but the last.
    """
    draws = np.random.RandomState(zlib.crc32(name.encode()))
    leaf = name.rpartition("/")[2]
    if leaf == "gamma":
        value = 0.7 + 0.6 * draws.random_sample(shape)
    elif leaf == "moving_variance":
        value = 0.5 + draws.random_sample(shape)
    elif leaf == "embedding_weights":
        value = TABLE_DEVIATION * draws.standard_normal(shape)
    elif len(shape) > 1:
        value = np.sqrt(KERNEL_VARIANCE / np.prod(shape[:-1])) * draws.standard_normal(shape)
    else:
        value = VECTOR_DEVIATION * draws.standard_normal(shape)
    return value.astype(np.float32)
