"""Batches out of a cache, the same as from the data files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from easyrec_lite.data.cache.folders import Kept
from easyrec_lite.data.cache.layout import Layout
from easyrec_lite.data.cache.writer import BAD_ROW, INDEX
from easyrec_lite.data.order import Order
from easyrec_lite.data.readers import Reader
from easyrec_lite.data.share import WHOLE, Share
from easyrec_lite.errors import Problem

# A block of rows is gathered at once; its batches are then cut by TensorFlow's ops.
BLOCK_ROWS = 1 << 16
BLOCK_BYTES = 1 << 25


@dataclass(frozen=True)
class Batching:
    """How rows become batches: B rows each, the last smaller one left out or not, some for each."""

    batch_size: int
    drop_remainder: bool
    share: Share = WHOLE

    @property
    def together(self) -> int:
        """The rows of a global batch."""
        return self.share.together(self.batch_size)


class Rows:
    """The rows of an open cache.

    Args:
      kept: the cache.
      reader: of the data that it was made from; says the order, and counts bad rows.
      layout: of its files.

    Raises:
      Broken, OSError: the cache is not as it was written.
    """

    def __init__(self, kept: Kept, reader: Reader, layout: Layout):
        self.kept = kept
        self._reader = reader
        self._layout = layout
        self._files = kept.load()
        self._index = self._files.pop(INDEX)
        self._chains = layout.chains(self._files)
        self._sizes = np.array(kept.manifest["sizes"], np.int64)
        self._said = dict(kept.manifest["bad"])

    def blocks(self, order: Order, batching: Batching) -> Iterator[tuple[np.ndarray, ...]]:
        """Yields blocks of whole batches: the layout's arrays, then their positions and `real`.

        Only the last block may end with a smaller batch. Positions are int64 [batches, 2], `real`
        bool [batches].
        """
        size = batching.together
        parts: list[tuple[np.ndarray, ...]] = []
        count, block = 0, self._block_rows(size)
        for part in self._places(order):
            parts.append(part)
            count += len(part[0])
            if count < block:
                continue
            joined = [np.concatenate(each) for each in zip(*parts, strict=True)]
            whole = count - count % size
            for first in range(0, whole, block):
                last = min(first + block, whole)
                yield self._block([each[first:last] for each in joined], batching)
            parts, count = [tuple(each[whole:] for each in joined)], count - whole
        count -= count % size if batching.drop_remainder else 0
        if count:
            joined = [np.concatenate(each)[:count] for each in zip(*parts, strict=True)]
            yield self._block(joined, batching)

    def _block_rows(self, batch_size: int) -> int:
        """Returns the rows of a block: whole batches, no more than the data or the limits say."""
        rows = BLOCK_BYTES // max(self.kept.bytes // self.kept.rows, 1)
        return batch_size * max(1, min(rows, BLOCK_ROWS, self.kept.rows) // batch_size)

    def _places(self, order: Order) -> Iterator[tuple[np.ndarray, ...]]:
        """Yields (where it is kept, epoch, row) of rows in order, each int64 [n]."""
        left_out = self._reader.left_out
        for run in self._reader.records(order, self._sizes):
            kept = self._index[run.records]
            (good,) = np.nonzero(kept >= 0)
            left_out.good(len(good))
            for at in np.nonzero(kept == BAD_ROW)[0]:
                problem = Problem(self._said[int(run.records[at])])
                left_out.add(run.epoch, run.first + int(at), problem)
            yield kept[good], np.full(len(good), run.epoch), run.first + good

    def _block(self, places: list[np.ndarray], batching: Batching) -> tuple[np.ndarray, ...]:
        kept, epoch, row = places
        size = batching.together
        firsts = np.arange(0, len(kept), size)
        ends = np.minimum(firsts + size, len(kept)) - 1
        positions = np.stack([epoch[ends], row[ends] + 1], axis=1)
        spans = [batching.share.span(count) for count in (ends + 1 - firsts).tolist()]
        real = np.array([real for *_, real in spans])
        if batching.share.by_row:
            each = zip(firsts, spans, strict=True)
            kept = np.concatenate([kept[at + first : at + last] for at, (first, last, _) in each])
        return (*self._layout.block(self._files, self._chains, kept), positions, real)


def dataset(
    blocks: Callable[[], Iterator[tuple[np.ndarray, ...]]], layout: Layout, batching: Batching
) -> tf.data.Dataset:
    """Returns the batches, (element, position, real), of what `Rows.blocks` yields."""
    positions, real = tf.TensorSpec([None, 2], tf.int64), tf.TensorSpec([None], tf.bool)
    signature = (*layout.signature, positions, real)
    size = batching.batch_size

    @tf.autograph.experimental.do_not_convert
    def batches(*block: tf.Tensor) -> tf.data.Dataset:
        *arrays, positions, real = block

        @tf.autograph.experimental.do_not_convert
        def batch(number: tf.Tensor) -> tuple[object, tf.Tensor, tf.Tensor]:
            first = number * size
            return layout.element(arrays, first, first + size), positions[number], real[number]

        return tf.data.Dataset.range(tf.shape(positions, tf.int64)[0]).map(batch)

    made = tf.data.Dataset.from_generator(blocks, output_signature=signature)
    return made.prefetch(1).flat_map(batches)
