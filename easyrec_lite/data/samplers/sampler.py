"""The sampler: what it gives for a batch, whatever bars items and whatever adds hard ones."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from easyrec_lite.data.samplers.catalogue import Catalogue
from easyrec_lite.data.samplers.draw import WeightedDraw
from easyrec_lite.features.values import FeatureValue

log = logging.getLogger(__name__)

Columns = Mapping[str, tf.Tensor]
Exclusion = Callable[[Columns], tf.Tensor]
HardNegatives = Callable[[Columns, tf.Tensor], tf.Tensor]


class Negatives(NamedTuple):
    """n items that a batch of B rows did not ask for: the sampled ones, then the hard ones.

    Attributes:
      features: feature name → value of n rows.
      extra: item id field → string [n].
      hard_pairs: int64 [H, 2] of (row in B, item in n), or None when the sampler gives no hard
        negatives. Items that a pair names compete in their pairs' rows only. They stand at the
        end of the n, each named by at least one pair, so that the items sampled for all rows
        are those before `min(hard_pairs[:, 1])`: all n when H is 0.
    """

    features: dict[str, FeatureValue]
    extra: dict[str, tf.Tensor]
    hard_pairs: tf.Tensor | None = None


class Sampler:
    """Draws `size` different items a batch by weight, shared by its rows, and adds hard ones.

    Items that an exclusion names for the batch are not drawn. When fewer than `size` are left,
    all of those are taken, in the item table's order.

    Args:
      catalogue: the M items; an attribute too.
      draw: draws by their weights.
      size: how many to draw; an attribute too.
      exclusions: each takes raw columns [B] and gives int64 [E] rows of the catalogue.
      hard: takes raw columns [B] and the position, gives int64 [H, 2] of (row in B, row of the
        catalogue).
    """

    def __init__(
        self,
        catalogue: Catalogue,
        draw: WeightedDraw,
        size: int,
        exclusions: Sequence[Exclusion],
        hard: HardNegatives | None = None,
    ):
        self.catalogue = catalogue
        self._draw = draw
        self.size = size
        self._exclusions = list(exclusions)
        self._hard = hard

    def __call__(self, columns: Columns, position: tf.Tensor) -> Negatives:
        """Returns the negatives of one batch; runs inside `tf.data.Dataset.map`.

        Args:
          columns: raw columns [B] by field name; strings or whole numbers where ids are read.
          position: int64 [2], e.g. epoch and rows consumed; a draw depends on it and the seed.
        """
        excluded = tf.concat([rows(columns) for rows in self._exclusions], axis=0)
        drawn = self._draw(self.size, excluded, position)
        if self._hard is None:
            return Negatives(*self.catalogue.take(drawn))
        pairs = self._hard(columns, position)
        hard, place = tf.unique(pairs[:, 1])
        taken = self.catalogue.take(tf.concat([drawn, hard], axis=0))
        items = tf.size(drawn, out_type=tf.int64) + tf.cast(place, tf.int64)
        return Negatives(*taken, hard_pairs=tf.stack([pairs[:, 0], items], axis=1))


def log_shortage(drawable: int, size: int, batch_size: int) -> None:
    """Says, once a sampler is opened, that batches will or may get fewer items than asked."""
    if drawable < size:
        log.warning(
            "the item table has %d items of positive weight: batches get at most as many "
            "negatives, where the config asks for %d",
            drawable,
            size,
        )
    elif drawable < size + batch_size:
        log.info(
            "the item table has %d items of positive weight: a batch of %d different items "
            "leaves fewer than the %d negatives that the config asks for",
            drawable,
            batch_size,
            size,
        )
