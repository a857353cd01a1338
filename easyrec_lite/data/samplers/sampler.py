"""The sampler: what it gives for a batch, whatever bars items and whatever adds hard ones.

What it needs to know of a row, `Located`, follows from that row alone, so that a cache can keep it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.data.samplers.catalogue import Catalogue, IdIndex
from easyrec_lite.data.samplers.draw import WeightedDraw

log = logging.getLogger(__name__)

Columns = Mapping[str, tf.Tensor]
# Lookup name → int64 [B], where each row's id stands in a table of the sampler; −1: not there.
Located = Mapping[str, tf.Tensor]
Exclusion = Callable[[Located], tf.Tensor]
HardNegatives = Callable[[Located, tf.Tensor], tf.Tensor]
ITEM = "item"


class Lookup(NamedTuple):
    """Where a row's id is looked up.

    Attributes:
      field: the field of the data that holds it.
      index: the ids of a table.
    """

    field: str
    index: IdIndex


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
      lookups: what is looked up of a row, by name; `ITEM` is its own item in the catalogue.
      exclusions: each gives int64 [E] rows of the catalogue that are not drawn.
      hard: takes the rows located and the position, gives int64 [H, 2] of (row in B, row of the
        catalogue).
    """

    def __init__(
        self,
        catalogue: Catalogue,
        draw: WeightedDraw,
        size: int,
        lookups: Mapping[str, Lookup],
        exclusions: Sequence[Exclusion],
        hard: HardNegatives | None = None,
    ):
        self.catalogue = catalogue
        self._draw = draw
        self.size = size
        self._lookups = dict(lookups)
        self._exclusions = list(exclusions)
        self._hard = hard

    @property
    def fields(self) -> set[str]:
        """The fields of the data that `locate` reads."""
        return {lookup.field for lookup in self._lookups.values()}

    def describe(self) -> dict[str, list[str]]:
        """Returns what `locate` follows from, by lookup: the field, and a digest of the table."""
        return {
            name: [lookup.field, lookup.index.digest()] for name, lookup in self._lookups.items()
        }

    def locate(self, columns: Columns) -> dict[str, tf.Tensor]:
        """Returns what the draw needs to know of B rows, the same whatever batch they are in.

        Args:
          columns: raw columns [B] by field name; strings or whole numbers where ids are read.
        """
        return {name: lookup.index(columns[lookup.field]) for name, lookup in self._lookups.items()}

    def __call__(self, located: Located, position: tf.Tensor) -> Negatives:
        """Returns the negatives of one batch; runs inside `tf.data.Dataset.map`.

        Args:
          located: what `locate` gave for its B rows.
          position: int64 [2], e.g. epoch and rows consumed; a draw depends on it and the seed.
        """
        excluded = tf.concat([rows(located) for rows in self._exclusions], axis=0)
        drawn = self._draw(self.size, excluded, position)
        if self._hard is None:
            return Negatives(*self.catalogue.take(drawn))
        pairs = self._hard(located, position)
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
