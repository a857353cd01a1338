"""Batches out of a cache, equal to those from the data files.

The order of rows is that of the reader: `Reader.records` says which records come, by number. An
index in the cache says where each record's row is stored. Rows are gathered a block of batches at a
time, and TensorFlow's operations cut the batches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from easyrec_lite.core.errors import Problem
from easyrec_lite.data.cache.decoding import RowGatherer, element, signature
from easyrec_lite.data.cache.folders import CacheEntry
from easyrec_lite.data.cache.layout import CacheLayout
from easyrec_lite.data.cache.writer import BAD_ROW, INDEX
from easyrec_lite.data.readers.base import Reader
from easyrec_lite.data.rows.batches import Finish
from easyrec_lite.data.rows.generated import generated
from easyrec_lite.data.rows.order import RowOrder
from easyrec_lite.data.rows.share import WHOLE, Share

# A block of rows is gathered at once; its batches are then cut by TensorFlow's operations.
BLOCK_ROWS = 1 << 16
BLOCK_BYTES = 1 << 25


@dataclass(frozen=True)
class Batching:
    """How rows become batches.

    Attributes:
      batch_size: B.
      drop_remainder: whether a last batch of fewer rows is left out.
      share: the part of each global batch to give.
    """

    batch_size: int
    drop_remainder: bool
    share: Share = WHOLE

    @property
    def together(self) -> int:
        """The rows of a global batch."""
        return self.share.together(self.batch_size)


class RowSpan(NamedTuple):
    """Rows that follow one another in an epoch, without the records that are not stored.

    Attributes:
      stored: int64 [n], where each row is stored.
      epoch: which epoch.
      first: the number, among the epoch's records, of the first one that was considered.
      offsets: int64 [n], how many records after `first` each row comes; None when no record in
        between is left out.
    """

    stored: np.ndarray
    epoch: int
    first: int
    offsets: np.ndarray | None

    def cut(self, size: int) -> tuple[RowSpan, RowSpan]:
        """Returns the first `size` rows, and the others."""
        head = self._replace(stored=self.stored[:size])
        rest = self._replace(stored=self.stored[size:])
        if self.offsets is None:
            return head, rest._replace(first=self.first + size)
        return (
            head._replace(offsets=self.offsets[:size]),
            rest._replace(offsets=self.offsets[size:]),
        )

    def end(self, count: int) -> tuple[int, int]:
        """Returns the position after the first `count` > 0 rows."""
        last = count - 1 if self.offsets is None else int(self.offsets[count - 1])
        return self.epoch, self.first + last + 1


class OpenCache:
    """The rows of a cache that is open for reading.

    Args:
      entry: the cache.
      reader: of the data that it was made from; says the order, and counts bad rows.
      layout: of its files.

    Raises:
      BrokenCache, OSError: the cache is not as it was written.
    """

    def __init__(self, entry: CacheEntry, reader: Reader, layout: CacheLayout):
        self.entry = entry
        self._reader = reader
        files = entry.load()
        self._index = files.pop(INDEX)
        self._gatherer = RowGatherer(layout, files)
        self._sizes = np.array(entry.manifest["sizes"], np.int64)
        self._messages = dict(entry.manifest["bad"])
        self._all_stored = bool((self._index >= 0).all())

    def blocks(self, order: RowOrder, batching: Batching) -> Iterator[tuple[np.ndarray, ...]]:
        """Yields blocks of whole batches: the gathered arrays, then their positions and `real`.

        Only the last block may end with a smaller batch. Positions are int64 [batches, 2], `real`
        bool [batches].
        """
        size = batching.together
        spans: deque[RowSpan] = deque()
        count, block = 0, self._block_rows(size)
        for span in self._spans(order):
            spans.append(span)
            count += len(span.stored)
            while count >= block:
                yield self._block(_taken(spans, block), batching)
                count -= block
        count -= count % size if batching.drop_remainder else 0
        if count:
            yield self._block(_taken(spans, count), batching)

    def _block_rows(self, batch_size: int) -> int:
        """Returns the rows of a block: whole batches, within the limits and the data."""
        rows = BLOCK_BYTES // max(self.entry.bytes // self.entry.rows, 1)
        return batch_size * max(1, min(rows, BLOCK_ROWS, self.entry.rows) // batch_size)

    def _spans(self, order: RowOrder) -> Iterator[RowSpan]:
        """Yields the stored rows in order, and notes the bad ones as the reader does."""
        left_out = self._reader.left_out
        for run in self._reader.records(order, self._sizes):
            stored = np.take(self._index, run.records, mode="clip")
            if self._all_stored:
                left_out.good(len(stored))
                yield RowSpan(stored, run.epoch, run.first, None)
                continue
            (offsets,) = np.nonzero(stored >= 0)
            left_out.good(len(offsets))
            for at in np.nonzero(stored == BAD_ROW)[0]:
                problem = Problem(self._messages[int(run.records[at])])
                left_out.add(run.epoch, run.first + int(at), problem)
            yield RowSpan(stored[offsets], run.epoch, run.first, offsets)

    def _block(self, spans: list[RowSpan], batching: Batching) -> tuple[np.ndarray, ...]:
        rows = np.concatenate([span.stored for span in spans]) if spans[1:] else spans[0].stored
        size = batching.together
        firsts = np.arange(0, len(rows), size)
        ends = np.minimum(firsts + size, len(rows))
        positions = _positions(spans, ends)
        shares = [batching.share.span(count) for count in (ends - firsts).tolist()]
        real = np.array([real for *_, real in shares])
        if batching.share.by_row:
            each = zip(firsts, shares, strict=True)
            rows = np.concatenate([rows[at + first : at + last] for at, (first, last, _) in each])
        return (*self._gatherer.block(rows), positions, real)


def _taken(spans: deque[RowSpan], count: int) -> list[RowSpan]:
    """Takes the first `count` rows, no more than there are, out of `spans`."""
    taken: list[RowSpan] = []
    while count:
        span, rest = spans.popleft().cut(count)
        count -= len(span.stored)
        taken.append(span)
        if len(rest.stored):
            spans.appendleft(rest)
    return taken


def _positions(spans: list[RowSpan], ends: np.ndarray) -> np.ndarray:
    """Returns the positions after the first e rows of all spans, for each e > 0 of `ends`."""
    before = np.cumsum([0, *(len(span.stored) for span in spans)])
    holds = np.searchsorted(before, ends, side="left") - 1
    each = zip(ends.tolist(), holds.tolist(), strict=True)
    return np.array([spans[at].end(end - int(before[at])) for end, at in each], np.int64)


def dataset(
    blocks: Callable[[], Iterator[tuple[np.ndarray, ...]]],
    layout: CacheLayout,
    batching: Batching,
    finish: Finish,
) -> tf.data.Dataset:
    """Returns `finish(element, position, real)` of each batch of what `OpenCache.blocks` yields."""
    positions, real = tf.TensorSpec([None, 2], tf.int64), tf.TensorSpec([None], tf.bool)
    size = batching.batch_size

    @tf.autograph.experimental.do_not_convert
    def batches(*block: tf.Tensor) -> tf.data.Dataset:
        *arrays, positions, real = block

        @tf.autograph.experimental.do_not_convert
        def batch(number: tf.Tensor) -> Any:
            first = number * size
            rows = element(layout, arrays, first, first + size)
            # Not in a second map: a function call, and packing ragged tensors between the two maps,
            # take longer than most of what `finish` does.
            return finish(rows, positions[number], real[number])

        return tf.data.Dataset.range(tf.shape(positions, tf.int64)[0]).map(batch)

    made = generated(blocks, (*signature(layout), positions, real))
    return made.prefetch(1).flat_map(batches)
