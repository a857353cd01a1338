"""Draws by weight in constant time a draw: the alias method (Walker, 1977), its table by NumPy."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


class Aliases:
    """M columns of equal width: column j is item j's own up to a share of it, then another item's.

    A search in cumulative weights reads log₂ M numbers from all over them; this reads two.

    Args:
      weights: float64 [M], finite and > 0; without any, nothing can be drawn.
    """

    def __init__(self, weights: np.ndarray):
        own, other = alias_table(weights)
        self._count = len(weights)
        self._own, self._other = tf.constant(own, tf.float64), tf.constant(other, tf.int64)

    def __call__(self, uniforms: tf.Tensor) -> tf.Tensor:
        """Returns int64 [n], an item for each of `uniforms`, float64 [n] in [0, 1)."""
        place = uniforms * self._count
        # A product of a number just below 1 may round to M itself.
        column = tf.minimum(tf.cast(place, tf.int64), self._count - 1)
        beyond = place - tf.cast(column, tf.float64) >= tf.gather(self._own, column)
        return tf.where(beyond, tf.gather(self._other, column), column)


def alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns (own, other), float64 and int64 [M]: each column's own share, and who has the rest.

    Items of less than the mean weight leave room in their columns, in ascending order; those of
    more fill it in ascending order. One that ends within a column leaves room in its own, which the
    next one fills.

    Args:
      weights: float64 [M], finite and > 0.
    """
    # First by the largest, as the sum of large ones may be too large for a number.
    scaled = weights / weights.max(initial=0.0)
    height = scaled / scaled.sum() * len(scaled)
    own, other = np.ones(len(height)), np.arange(len(height))
    (small,), (large,) = np.nonzero(height < 1), np.nonzero(height >= 1)
    if not len(small) or not len(large):
        return own, other
    room = np.append(0, np.cumsum(1 - height[small]))
    excess = np.cumsum(height[large] - 1)
    own[small] = height[small]
    filling = np.searchsorted(excess, room[:-1], side="right")
    other[small] = large[np.minimum(filling, len(large) - 1)]
    # All but the last, which fills what is left.
    excess, ending, other[large[:-1]] = excess[:-1], large[:-1], large[1:]
    within = np.searchsorted(room, excess, side="left")
    ends = within < len(room)
    own[ending[ends]] = np.clip(1 - (room[within[ends]] - excess[ends]), 0, 1)
    return own, other
