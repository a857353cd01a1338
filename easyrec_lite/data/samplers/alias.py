"""Draws items by weight, in constant time per draw: the alias method (Walker, 1977).

Each of M items has a column of width 1/M, which is shared by at most two items: the column's own,
up to a share of it, and another one. A draw chooses a column, then one of its two items; it reads
two numbers, where a search in cumulative weights reads log₂ M from all over them.

The table is made in one pass over the items, without a loop in Python:
1. An item's height is M times its share of the weights; the mean height is 1.
2. Items below 1 leave room in their columns: in ascending order, the room adds up to positions on
   a line. Items above 1 have an excess, which adds up along the same line.
3. So an item above 1 fills the columns whose room lies in its part of the line (`searchsorted`).
4. Where an excess ends within a column's room, that item is itself below 1 from then on: its column
   keeps what is left of its height, and the next item above 1 fills the rest.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf


class AliasTable:
    """Draws of M items by weight. Column j is item j with probability `own[j]`, else `other[j]`.

    Args:
      weights: float64 [M], finite and > 0; with M = 0 nothing may be drawn.
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
    """Returns (own, other), float64 and int64 [M]: each column's own share, and its other item.

    Example:
      >>> own, other = alias_table(np.array([1.0, 3.0]))
      >>> own.tolist(), other.tolist()
      ([0.5, 1.0], [1, 1])

    Args:
      weights: float64 [M], finite and > 0.
    """
    # Scaled by the largest first: the sum of large weights may overflow.
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
    # All but the last item above 1, which fills the room that is left.
    excess, ending, other[large[:-1]] = excess[:-1], large[:-1], large[1:]
    within = np.searchsorted(room, excess, side="left")
    ends = within < len(room)
    own[ending[ends]] = np.clip(1 - (room[within[ends]] - excess[ends]), 0, 1)
    return own, other
