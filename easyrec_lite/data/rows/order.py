"""The order of rows as a pure function of (seed, epoch, row).

1. An epoch reads the files in a random order.
2. The stream of their records is cut into windows of equal size.
3. The records of each window are permuted.

All random numbers follow from the seed, the epoch and the window. No state is carried along, so
that an epoch can be entered at any row: what comes before it is skipped without being parsed.
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

# Epoch → its records, in the order of its files.
EpochRecords = Callable[[tf.Tensor], tf.data.Dataset]


@dataclass(frozen=True)
class RowOrder:
    """Which rows come, and in which order.

    Attributes:
      seed: what random numbers follow from.
      window: rows that are shuffled together; 0 keeps files and rows in their order.
      epochs: the number of epochs, counted from 0; None for endless.
      start: (epoch, rows of it already consumed); also int64 [2], read when `ordered` is called.
    """

    seed: int = 0
    window: int = 0
    epochs: int | None = 1
    start: Any = (0, 0)

    def numbers(self) -> Iterator[int]:
        """Yields the numbers of the epochs, beginning with that of the start."""
        first = self.start[0]
        yield from itertools.count(first) if self.epochs is None else range(first, self.epochs)

    @property
    def chunk(self) -> int:
        """How many rows are handled at a time: a multiple of the window, and at least `CHUNK`."""
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
        keys = ShuffleKeys(self.chunk, self.window)
        row = tf.range(count)
        ascending = tf.sort(keys.of(row, self._draw(epoch, chunk, count, keys.random)))
        return tf.bitwise.bitwise_and(ascending, keys.row_mask)

    def known_rows(self, epoch: int, chunk: int, count: int) -> np.ndarray:
        """Returns what `rows` returns, int64 [count]; NumPy sorts several times faster."""
        if self.window <= 1:
            return np.arange(count)
        keys = ShuffleKeys(self.chunk, self.window)
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


class ShuffleKeys:
    """Sort keys of rows: in ascending order, the rows are permuted within their windows.

    A key holds, from the highest bits to the lowest, the row's window, a random number, and the row
    itself. So no two are equal, and the sorted keys contain the permutation: `argsort`, which takes
    several times longer, is not needed.

    Example:
      >>> keys = ShuffleKeys(count=4, window=2)
      >>> keys.order(np.array([5, 3, 1, 2]))
      array([1, 0, 2, 3])

    Args:
      count: the number of rows.
      window: rows that are permuted together.

    Attributes:
      random: the random numbers must be below it.
      row_mask: the bits that hold the row.
    """

    def __init__(self, count: int, window: int):
        row_bits = max(count - 1, 0).bit_length()
        window_bits = (max(count - 1, 0) // window).bit_length()
        self._window = window
        self.random = 1 << min(63 - window_bits - row_bits, MOST_RANDOM_BITS)
        self.row_mask = (1 << row_bits) - 1

    def of(self, row: Any, draw: Any) -> Any:
        """Returns the keys, int64 [n], of rows with these random numbers: arrays, or tensors."""
        return (row // self._window * self.random + draw) * (self.row_mask + 1) + row

    def order(self, draw: np.ndarray) -> np.ndarray:
        """Returns the order of rows 0 … n−1 with these random numbers, int64 [n]."""
        keys = self.of(np.arange(len(draw)), draw)
        keys.sort()
        keys &= self.row_mask
        return keys


class RecordRun(NamedTuple):
    """Records that follow one another in an epoch.

    Attributes:
      epoch: which epoch.
      first: how many of the epoch's records come before them.
      records: int64 [n], their numbers among the records of all files, in the files' own order.
    """

    epoch: int
    first: int
    records: np.ndarray


def arranged(order: RowOrder, sizes: np.ndarray) -> Iterator[RecordRun]:
    """Yields the numbers of the records that `ordered` gives, without reading them.

    Args:
      order: which records, in which order.
      sizes: int64 [files], the number of records of each file.
    """
    total, starts = int(sizes.sum()), np.cumsum(sizes) - sizes
    for epoch in order.numbers():
        files = order.files(epoch, len(sizes)).numpy()
        # Files change their order between epochs: `shift` takes a row of a file in this order to
        # its number.
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


def ordered(source: EpochRecords, order: RowOrder, guard: tf.data.Dataset) -> tf.data.Dataset:
    """Returns the records of all epochs, in chunks of n rows.

    Elements: (record string [n], epoch int64 [n], row int64 [n], index int64 [n]). `row` counts the
    epoch's records in their new order, `index` in the order of the files of that epoch.

    Args:
      source: epoch → the data set of its single records, the same at each call.
      order: which records, in which order.
      guard: an empty data set of strings [n], which is read before and after each epoch; it fails
        when the files may not be read.
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
