"""Batches out of a cache, the same as from the data files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from easyrec_lite.core.errors import Problem
from easyrec_lite.data.cache.folders import Kept
from easyrec_lite.data.cache.layout import Layout
from easyrec_lite.data.cache.writer import BAD_ROW, INDEX
from easyrec_lite.data.readers.base import Reader
from easyrec_lite.data.rows.generated import generated
from easyrec_lite.data.rows.order import Order
from easyrec_lite.data.rows.share import WHOLE, Finish, Share

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


class Part(NamedTuple):
    """Rows that follow one another in an epoch, without those that are not kept.

    Attributes:
      kept: int64 [n], where they are kept.
      epoch: which.
      first: the number, among the epoch's records, of the first one that was looked at.
      there: int64 [n], how far behind that each of them comes; None: one behind the other.
    """

    kept: np.ndarray
    epoch: int
    first: int
    there: np.ndarray | None

    def cut(self, size: int) -> tuple[Part, Part]:
        """Returns the first `size` rows, and the others."""
        head, rest = self._replace(kept=self.kept[:size]), self._replace(kept=self.kept[size:])
        if self.there is None:
            return head, rest._replace(first=self.first + size)
        return head._replace(there=self.there[:size]), rest._replace(there=self.there[size:])

    def end(self, count: int) -> tuple[int, int]:
        """Returns the position behind the first `count` > 0 rows."""
        last = count - 1 if self.there is None else int(self.there[count - 1])
        return self.epoch, self.first + last + 1


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
        self._all_kept = bool((self._index >= 0).all())

    def blocks(self, order: Order, batching: Batching) -> Iterator[tuple[np.ndarray, ...]]:
        """Yields blocks of whole batches: the layout's arrays, then their positions and `real`.

        Only the last block may end with a smaller batch. Positions are int64 [batches, 2], `real`
        bool [batches].
        """
        size = batching.together
        parts: deque[Part] = deque()
        count, block = 0, self._block_rows(size)
        for part in self._parts(order):
            parts.append(part)
            count += len(part.kept)
            while count >= block:
                yield self._block(_taken(parts, block), batching)
                count -= block
        count -= count % size if batching.drop_remainder else 0
        if count:
            yield self._block(_taken(parts, count), batching)

    def _block_rows(self, batch_size: int) -> int:
        """Returns the rows of a block: whole batches, no more than the data or the limits say."""
        rows = BLOCK_BYTES // max(self.kept.bytes // self.kept.rows, 1)
        return batch_size * max(1, min(rows, BLOCK_ROWS, self.kept.rows) // batch_size)

    def _parts(self, order: Order) -> Iterator[Part]:
        """Yields the kept rows in order."""
        left_out = self._reader.left_out
        for run in self._reader.records(order, self._sizes):
            kept = np.take(self._index, run.records, mode="clip")
            if self._all_kept:
                left_out.good(len(kept))
                yield Part(kept, run.epoch, run.first, None)
                continue
            (there,) = np.nonzero(kept >= 0)
            left_out.good(len(there))
            for at in np.nonzero(kept == BAD_ROW)[0]:
                problem = Problem(self._said[int(run.records[at])])
                left_out.add(run.epoch, run.first + int(at), problem)
            yield Part(kept[there], run.epoch, run.first, there)

    def _block(self, parts: list[Part], batching: Batching) -> tuple[np.ndarray, ...]:
        kept = parts[0].kept if len(parts) == 1 else np.concatenate([part.kept for part in parts])
        size = batching.together
        firsts = np.arange(0, len(kept), size)
        ends = np.minimum(firsts + size, len(kept))
        positions = _positions(parts, ends)
        spans = [batching.share.span(count) for count in (ends - firsts).tolist()]
        real = np.array([real for *_, real in spans])
        if batching.share.by_row:
            each = zip(firsts, spans, strict=True)
            kept = np.concatenate([kept[at + first : at + last] for at, (first, last, _) in each])
        return (*self._layout.block(self._files, self._chains, kept), positions, real)


def _taken(parts: deque[Part], count: int) -> list[Part]:
    """Takes the first `count` rows, no more than there are, out of `parts`."""
    taken: list[Part] = []
    while count:
        part, rest = parts.popleft().cut(count)
        count -= len(part.kept)
        taken.append(part)
        if len(rest.kept):
            parts.appendleft(rest)
    return taken


def _positions(parts: list[Part], ends: np.ndarray) -> np.ndarray:
    """Returns the positions behind the first e rows of all parts, for each e > 0 of `ends`."""
    before = np.cumsum([0, *(len(part.kept) for part in parts)])
    holds = np.searchsorted(before, ends, side="left") - 1
    each = zip(ends.tolist(), holds.tolist(), strict=True)
    return np.array([parts[at].end(end - int(before[at])) for end, at in each], np.int64)


def dataset(
    blocks: Callable[[], Iterator[tuple[np.ndarray, ...]]],
    layout: Layout,
    batching: Batching,
    finish: Finish,
) -> tf.data.Dataset:
    """Returns `finish(element, position, real)` of each batch of what `Rows.blocks` yields."""
    positions, real = tf.TensorSpec([None, 2], tf.int64), tf.TensorSpec([None], tf.bool)
    signature = (*layout.signature, positions, real)
    size = batching.batch_size

    @tf.autograph.experimental.do_not_convert
    def batches(*block: tf.Tensor) -> tf.data.Dataset:
        *arrays, positions, real = block

        @tf.autograph.experimental.do_not_convert
        def batch(number: tf.Tensor) -> Any:
            first = number * size
            element = layout.element(arrays, first, first + size)
            # Not a map of its own: a call of a function, and ragged tensors packed between the two,
            # take longer than what most functions do.
            return finish(element, positions[number], real[number])

        return tf.data.Dataset.range(tf.shape(positions, tf.int64)[0]).map(batch)

    return generated(blocks, signature).prefetch(1).flat_map(batches)
