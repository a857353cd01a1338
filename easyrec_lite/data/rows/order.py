"""The order of rows as a pure function of (seed, epoch, row).

An epoch reads the files in an order of its own, cuts the stream into windows, and permutes the
rows of each window. No state is carried, so an epoch can be entered at any row: what lies before
it is skipped unparsed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

SHUFFLE_WINDOW = 1 << 17
CHUNK = 1 << 13
MOST_RANDOM_BITS = 48
ENDLESS = tf.int64.max

Source = Callable[[tf.Tensor], tf.data.Dataset]


@dataclass(frozen=True)
class RowOrder:
    """Which rows come, and in which order.

    Attributes:
      seed: what the shuffle is made from.
      window: rows that are shuffled together; 0 keeps files and rows as they stand.
      epochs: the number of epochs, counted from 0; None is without end.
      start: (epoch, rows of it already consumed); also int64 [2], read when `ordered` is called.
    """

    seed: int = 0
    window: int = 0
    epochs: int | None = 1
    start: Any = (0, 0)

    def numbers(self) -> Iterator[int]:
        """Yields the epochs from the start on."""
        first = self.start[0]
        yield from itertools.count(first) if self.epochs is None else range(first, self.epochs)

    @property
    def chunk(self) -> int:
        """Rows that are handled at a time: a multiple of the window, not too few."""
        window = max(self.window, 1)
        return window * -(-CHUNK // window)

    def files(self, epoch: tf.Tensor | int, count: int) -> tf.Tensor:
        """Returns the order of the files in an epoch, int64 [count]."""
        order = tf.range(count, dtype=tf.int64)
        if not self.window:
            return order
        return tf.random.experimental.stateless_shuffle(order, self._seed(epoch, -1))

    def rows(self, epoch: tf.Tensor, chunk: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        """Returns the order of the `count` rows of a chunk, int64 [count]."""
        if self.window <= 1:
            return tf.range(count)
        keys = Keys(self.chunk, self.window)
        row = tf.range(count)
        found = tf.sort(keys.of(row, self._draw(epoch, chunk, count, keys.random)))
        return tf.bitwise.bitwise_and(found, keys.row_mask)

    def known_rows(self, epoch: int, chunk: int, count: int) -> np.ndarray:
        """Returns what `rows` does, by NumPy, which sorts several times faster, int64 [count]."""
        if self.window <= 1:
            return np.arange(count)
        keys = Keys(self.chunk, self.window)
        return keys.order(self._draw(epoch, chunk, count, keys.random).numpy())

    def _draw(
        self, epoch: tf.Tensor | int, chunk: tf.Tensor | int, count: tf.Tensor | int, below: int
    ) -> tf.Tensor:
        seed = self._seed(epoch, chunk)
        return tf.random.stateless_uniform([count], seed, 0, below, tf.int64)

    def _seed(self, epoch: tf.Tensor | int, part: tf.Tensor | int) -> tf.Tensor:
        fold = tf.random.experimental.stateless_fold_in
        low, high = self.seed & 0x7FFFFFFF, self.seed >> 31 & 0x7FFFFFFF
        seed = tf.constant([low, high], tf.int64)
        return fold(fold(seed, tf.cast(epoch, tf.int64)), tf.cast(part, tf.int64))


class Keys:
    """Numbers whose ascending order is that of rows permuted within their windows.

    From the highest bits to the lowest they hold a row's window, a random number and the row
    itself: no two are equal, and sorted they tell the rows without `argsort`, which takes several
    times longer.

    Args:
      count: rows are below it.
      window: rows that are permuted together.

    Attributes:
      random: the random numbers are to be below it.
      row_mask: the bits that hold the row.
    """

    def __init__(self, count: int, window: int):
        row_bits = max(count - 1, 0).bit_length()
        window_bits = (max(count - 1, 0) // window).bit_length()
        self._window = window
        self.random = 1 << min(63 - window_bits - row_bits, MOST_RANDOM_BITS)
        self.row_mask = (1 << row_bits) - 1

    def of(self, row: Any, draw: Any) -> Any:
        """Returns the keys of rows, int64 [n], with their random numbers; of arrays or tensors."""
        return (row // self._window * self.random + draw) * (self.row_mask + 1) + row

    def order(self, draw: np.ndarray) -> np.ndarray:
        """Returns the order of the rows from 0 on that have these random numbers, int64 [n]."""
        found = self.of(np.arange(len(draw)), draw)
        found.sort()
        found &= self.row_mask
        return found


class RecordRun(NamedTuple):
    """Records that follow one another in an epoch.

    Attributes:
      epoch: which.
      first: how many of the epoch's records come before.
      records: int64 [n], their numbers among all records of all files as they stand.
    """

    epoch: int
    first: int
    records: np.ndarray


def arranged(order: RowOrder, sizes: np.ndarray) -> Iterator[RecordRun]:
    """Yields the records that `ordered` gives, by number, without reading them.

    Args:
      order: what is read.
      sizes: int64, the records of each file.
    """
    total, starts = int(sizes.sum()), np.cumsum(sizes) - sizes
    for epoch in order.numbers():
        files = order.files(epoch, len(sizes)).numpy()
        ends = np.cumsum(sizes[files])
        shift = starts[files] - (ends - sizes[files])
        consumed = order.start[1] if epoch == order.start[0] else 0
        for first in range(consumed - consumed % order.chunk, total, order.chunk):
            count = min(order.chunk, total - first)
            index = first + order.known_rows(epoch, first // order.chunk, count)
            index = index[max(consumed - first, 0) :]
            one = len(sizes) == 1
            records = index if one else index + shift[np.searchsorted(ends, index, side="right")]
            yield RecordRun(epoch, max(first, consumed), records)


def ordered(source: Source, order: RowOrder, guard: tf.data.Dataset) -> tf.data.Dataset:
    """Returns the records of all epochs, in chunks of n rows.

    Elements: (record string [n], epoch int64 [n], row int64 [n], index int64 [n]), where `row`
    counts the epoch's records in their new order, and `index` as they stand in the files, read
    in that epoch's order of files.

    Args:
      source: epoch → the data set of single records, the same at each call.
      order: what to read.
      guard: strings [n], none at all; it is read before and after each epoch, and fails if it must.
    """
    start_epoch, start_row = tf.unstack(tf.convert_to_tensor(order.start, tf.int64))
    chunk = order.chunk

    @tf.autograph.experimental.do_not_convert
    def epoch_chunks(epoch: tf.Tensor) -> tf.data.Dataset:
        consumed = tf.where(epoch == start_epoch, start_row, 0)
        first = consumed // chunk
        chunks = source(epoch).skip(first * chunk).batch(chunk)
        chunks = guard.concatenate(chunks).concatenate(guard).enumerate(first)

        def arrange(number: tf.Tensor, records: tf.Tensor) -> tuple[tf.Tensor, ...]:
            with tf.name_scope("shuffle"):
                count = tf.size(records, tf.int64)
                index = order.rows(epoch, number, count)
                row = number * chunk + tf.range(count)
                left = tf.maximum(consumed - number * chunk, 0)
                tags = tf.fill([count], epoch), row, number * chunk + index
                return tuple(part[left:] for part in (tf.gather(records, index), *tags))

        return chunks.map(arrange)

    last = ENDLESS if order.epochs is None else order.epochs
    return tf.data.Dataset.range(start_epoch, last).flat_map(epoch_chunks)
