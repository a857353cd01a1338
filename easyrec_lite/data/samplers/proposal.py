"""The probability that an item is a candidate: as a row's own item, and as a sampled one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import tensorflow as tf

from easyrec_lite.data.samplers.catalogue import IdIndex
from easyrec_lite.data.samplers.inclusion import inclusion_probabilities
from easyrec_lite.data.samplers.sampler import Negatives, Sampler

Columns = Mapping[str, tf.Tensor]


class Frequencies:
    """The share of the training rows that have an item.

    An unknown id, or one that is counted less than once, counts as one row.

    Args:
      ids: text, object [M], all different.
      counts: float64 [M], the number of rows with each id.
      one: what one row counts; not 1 where `counts` are weights of another scale.
    """

    def __init__(self, ids: np.ndarray, counts: np.ndarray, one: float = 1.0):
        self._rows = IdIndex(tf.constant(ids, tf.string))
        shares = np.append(np.maximum(counts, one), one) / max(counts.sum(), one)
        self._shares = tf.constant(shares, tf.float32)

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns float32 [R] in (0, 1], the share of each of `ids`, [R] strings or integers."""
        return _at(self._shares, self._rows(ids))


def count_frequencies(parts: Iterable[tf.Tensor]) -> Frequencies:
    """Counts item ids, which come in parts of [R] strings or integers; holds each id once."""
    total: Counter[bytes] = Counter()
    for ids in parts:
        values, _, counts = tf.unique_with_counts(ids)
        total.update(dict(zip(_text(values).numpy(), counts.numpy().tolist(), strict=True)))
    return Frequencies(np.array(list(total), object), np.array(list(total.values()), np.float64))


def table_frequencies(sampler: Sampler) -> Frequencies:
    """Returns each item's share of the weights in the sampler's item table, before their power."""
    catalogue = sampler.catalogue
    weights = catalogue.table_weights
    least = weights[weights > 0].min() if weights.any() else 1.0
    return Frequencies(catalogue.ids.numpy(), weights, least)


class Proposal:
    """The probability of each candidate of a batch to be one.

    Args:
      field: the column of the data that holds the item's id; also an attribute.
      frequencies: the shares of the training rows; None when the model estimates them itself.
      sampler: draws negatives; None for no sampled negatives.
      batch_size: the rows in a batch, whose items the sampler does not draw.
    """

    def __init__(
        self, field: str, frequencies: Frequencies | None, sampler: Sampler | None, batch_size: int
    ):
        self.field = field
        self._frequencies = frequencies
        self._sampler = sampler
        if sampler is not None:
            self._inclusions = tf.constant(
                np.append(_inclusions(sampler, frequencies, batch_size), 0.0), tf.float32
            )

    def __call__(
        self, columns: Columns, drawn: Negatives | None
    ) -> tuple[tf.Tensor | None, tf.Tensor]:
        """Returns (frequencies, inclusions) of the B rows' items, then of the n sampled ones.

        Args:
          columns: raw columns [B].
          drawn: what the sampler drew for the batch.

        Returns:
          float32 [N] or None: the share of the training rows that have the item.
          float32 [N]: the probability that the sampler draws it for a batch without it.
        """
        text = _text(columns[self.field])
        if drawn is not None:
            text = tf.concat([text, drawn.extra[self.field]], axis=0)
        frequencies = self._frequencies(text) if self._frequencies else None
        if self._sampler is None:
            return frequencies, tf.zeros_like(text, tf.float32)
        return frequencies, _at(self._inclusions, self._sampler.catalogue.rows(text))


def _inclusions(sampler: Sampler, frequencies: Frequencies | None, rows: int) -> np.ndarray:
    catalogue = sampler.catalogue
    free = np.ones(len(catalogue.weights))
    if frequencies is not None:
        free = (1.0 - frequencies(catalogue.ids).numpy().astype(np.float64)) ** rows
    return inclusion_probabilities(catalogue.weights, sampler.size, free)


def _text(ids: tf.Tensor) -> tf.Tensor:
    return ids if ids.dtype == tf.string else tf.strings.as_string(ids)


def _at(values: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """Returns `values` at `rows`, the last of them where a row is −1."""
    return tf.gather(values, tf.where(rows < 0, tf.size(values, tf.int64) - 1, rows))
