"""A sampler: draws negatives for a batch, excludes items from the draw, and adds hard negatives.

What it needs to know of a row, `Located`, follows from that row alone, so a cache can store it.
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
# Lookup name → int64 [B], the place of each row's id in a table of the sampler; −1 if absent.
Located = Mapping[str, tf.Tensor]
Exclusion = Callable[[Located], tf.Tensor]
HardNegatives = Callable[[Located, tf.Tensor], tf.Tensor]
ITEM = "item"


class Lookup(NamedTuple):
    """A table in which an id of each row is looked up.

    Attributes:
      field: the column of the data that holds the id.
      index: the rows of the table's ids.
    """

    field: str
    index: IdIndex


class Negatives(NamedTuple):
    """n negatives of a batch of B rows: the sampled ones, then the hard ones.

    Attributes:
      features: feature name → value of n rows.
      extra: item id field → string [n].
      hard_pairs: int64 [H, 2] of (row in B, item in n); None for a sampler without hard negatives.
        An item of a pair competes in the rows of its pairs alone. These items come last, each in at
        least one pair, so that the items sampled for all rows are those before
        `min(hard_pairs[:, 1])`; all n where H = 0.
    """

    features: dict[str, FeatureValue]
    extra: dict[str, tf.Tensor]
    hard_pairs: tf.Tensor | None = None


class Sampler:
    """Draws `size` different items by weight for a batch, which all its rows share.

    Items that an exclusion names are not drawn. Where fewer than `size` are left, all of these are
    taken, in the order of the item table.

    Args:
      catalogue: the M items; also an attribute.
      draw: draws them by weight.
      size: how many to draw; also an attribute.
      lookups: name → what is looked up of a row; `ITEM` is its own item in the catalogue.
      exclusions: each returns int64 [E] rows of the catalogue that are not drawn.
      hard: (located rows, position) → int64 [H, 2] of (row in B, row of the catalogue); None for no
        hard negatives.
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
        """The columns of the data that `locate` reads."""
        return {lookup.field for lookup in self._lookups.values()}

    @property
    def lookups(self) -> Mapping[str, Lookup]:
        """What is looked up of a row, by name."""
        return self._lookups

    def describe(self) -> dict[str, list[str]]:
        """Returns what `locate` follows from: lookup → the column, and a digest of the ids."""
        return {
            name: [lookup.field, lookup.index.digest()] for name, lookup in self._lookups.items()
        }

    def locate(self, columns: Columns) -> dict[str, tf.Tensor]:
        """Returns what a draw needs to know of B rows, which does not depend on their batch.

        Args:
          columns: raw columns [B] by field name; ids are strings or integers.
        """
        return {name: lookup.index(columns[lookup.field]) for name, lookup in self._lookups.items()}

    def __call__(self, located: Located, position: tf.Tensor) -> Negatives:
        """Returns the negatives of a batch; runs inside `tf.data.Dataset.map`.

        Args:
          located: what `locate` returned for its B rows.
          position: int64 [2], such as (epoch, rows consumed); with the seed, all that a draw
            follows from.
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
    """Logs that batches get, or may get, fewer negatives than the config asks for."""
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
