"""Draws items by weight without replacement, by TensorFlow operations of constant cost."""

from __future__ import annotations

import hashlib

import numpy as np
import tensorflow as tf

from easyrec_lite.data.samplers.alias import AliasTable

OVERSAMPLING = 3
STREAMS = 3


class Uniforms:
    """Uniform random numbers: a function of seed, position and stream.

    Args:
      seed: any whole number.
      stream: 0 … `STREAMS` − 1; the numbers of different streams are independent.
    """

    def __init__(self, seed: int, stream: int):
        digest = hashlib.sha256(str(seed).encode()).digest()
        self._seed = int.from_bytes(digest[:8], "big", signed=True)
        self._stream = stream

    def __call__(self, size: int | tf.Tensor, position: tf.Tensor) -> tf.Tensor:
        """Returns float64 [size] in [0, 1) for `position`, int64 [2]."""
        seed = tf.stack([self._seed + STREAMS * position[0] + self._stream, position[1]])
        return tf.random.stateless_uniform([size], seed, dtype=tf.float64, alg="philox")


def gumbel(uniforms: tf.Tensor) -> tf.Tensor:
    """Returns standard Gumbel numbers computed from `uniforms` in [0, 1), of the same shape."""
    return -tf.math.log(-tf.math.log1p(-uniforms))


class WeightedDraw:
    """Draws different items one after another, each by weight among those not drawn yet.

    1. Draw a few times as many items as needed, independently, by weight (`AliasTable`).
    2. Remove the excluded ones and repetitions: the rest, in the order of their first occurrence,
       are distributed as a draw without replacement.
    3. Where fewer than `size` are left, as with few or very unequal weights, take those with the
       largest `log(weight) + Gumbel` of all other items. That continues the same distribution
       (Efraimidis and Spirakis, 2006), in one pass over the items.

    Args:
      weights: float64 [M], finite and ≥ 0; an item of weight 0 is never drawn.
      seed: with `position`, all that a draw depends on.

    Attributes:
      count: how many items have a positive weight.
    """

    def __init__(self, weights: np.ndarray, seed: int):
        self._items = tf.constant(np.flatnonzero(weights), tf.int64)
        positive = weights[weights > 0]
        self.count = len(positive)
        self._is_item = tf.constant(weights > 0)
        self._log_weights = tf.constant(np.log(positive), tf.float64)
        self._slot_of = tf.constant(np.cumsum(weights > 0) - 1, tf.int64)
        self._by_weight = AliasTable(positive)
        self._stream, self._filling = Uniforms(seed, stream=0), Uniforms(seed, stream=1)

    def __call__(self, size: int, excluded: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
        """Returns int64 [n], different items of positive weight, none of which is excluded.

        n is `size`. Where fewer items are eligible, it is all of them, in ascending order.

        Args:
          size: how many to draw.
          excluded: int64 [E] items, in any order, with or without repetitions.
          position: int64 [2], e.g. epoch and row.
        """
        if not self.count or not size:
            return tf.zeros([0], tf.int64)
        barred = self._slots(excluded)
        eligible = self.count - tf.size(barred)
        slots = tf.cond(
            eligible <= size,
            lambda: tf.boolean_mask(tf.range(self.count, dtype=tf.int64), self._free(barred)),
            lambda: self._draw(size, barred, position),
        )
        return tf.gather(self._items, slots)

    def _slots(self, items: tf.Tensor) -> tf.Tensor:
        """Returns the different slots, among the items of positive weight, of `items`."""
        drawable = tf.boolean_mask(items, tf.gather(self._is_item, items))
        return tf.unique(tf.gather(self._slot_of, drawable)).y

    def _free(self, barred: tf.Tensor) -> tf.Tensor:
        ones = tf.ones([self.count], tf.bool)
        return tf.tensor_scatter_nd_update(ones, barred[:, None], tf.zeros_like(barred, tf.bool))

    def _draw(self, size: int, barred: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
        stream = self._by_weight(self._stream(OVERSAMPLING * size, position))
        seen = tf.unique(tf.concat([barred, stream], axis=0)).y
        drawn = seen[tf.size(barred) : tf.size(barred) + size]
        return tf.cond(
            tf.size(drawn) < size, lambda: self._fill(size, drawn, seen, position), lambda: drawn
        )

    def _fill(self, size: int, drawn: tf.Tensor, seen: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
        noise = gumbel(self._filling(self.count, position))
        keys = tf.where(self._free(seen), self._log_weights + noise, -np.inf)
        rest = tf.math.top_k(keys, size - tf.size(drawn)).indices
        return tf.concat([drawn, tf.cast(rest, tf.int64)], axis=0)
