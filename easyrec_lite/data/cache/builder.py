"""Builds a cache from the batches of an epoch that is read anyway.

1. `CacheBuilder.takes` appends the rows of the first whole epoch to files beside the cache's place,
   in the order in which they come, and notes which records of the epoch did not come.
2. When the next epoch begins, or the batches end, `finish` asks the reader for the order of the
   epoch by number, and so writes for each record of the data files where its row is stored.
3. The files get a manifest and their name; from then on batches come out of the cache.

Whatever goes wrong stops the building alone: batches go on coming from the data files.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.data.cache import folders
from easyrec_lite.data.cache.encoding import entries
from easyrec_lite.data.cache.folders import BrokenCache, CacheEntry
from easyrec_lite.data.cache.key import name_of
from easyrec_lite.data.cache.layout import CacheLayout, NotStorable
from easyrec_lite.data.cache.reading import OpenCache
from easyrec_lite.data.cache.writer import BAD_ROW, NOT_A_ROW, CacheWriter, TooLarge
from easyrec_lite.data.readers.base import Position, Reader
from easyrec_lite.data.rows.order import RowOrder

FAILURES = (OSError, BrokenCache, TooLarge, NotStorable, tf.errors.OpError)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CacheTarget:
    """Where a cache is to be, and how large it may be.

    Attributes:
      folder: where the caches lie.
      key: what its rows follow from.
      limit: bytes.
    """

    folder: Path
    key: dict[str, Any]
    limit: int

    @property
    def path(self) -> Path:
        """The cache's own folder."""
        return self.folder / name_of(self.key)


class CacheBuilder:
    """Takes the batches of an order as they pass, and stores the rows of its first whole epoch.

    Args:
      target: where to store them.
      reader: what the batches come from.
      layout: of the batches' elements.
      order: the order.
      all_rows: whether the batches hold every row, the last ones too.

    Attributes:
      layout: of the elements.
      position: where the batches have come to.
      cache: the open cache, once it is complete.
    """

    def __init__(
        self,
        target: CacheTarget,
        reader: Reader,
        layout: CacheLayout,
        order: RowOrder,
        all_rows: bool,
    ):
        self.position: Position = order.start
        self.cache: OpenCache | None = None
        self.layout = layout
        self._target = target
        self._reader = reader
        self._order = order
        self._all_rows = all_rows
        self._epoch = order.start[0] + (order.start[1] > 0)
        self._next = 0
        self._missing: list[np.ndarray] = []
        self._last = (-1, -1)
        self._writer: CacheWriter | None = None
        self._building = True

    def takes(self, epoch: tf.Tensor, row: tf.Tensor, *flat: tf.Tensor) -> bool:
        """Takes a batch; returns False, and does not take it, when the cache continues instead.

        Args:
          epoch: int64 [B].
          row: int64 [B], numbers of records as the reader counts them.
          flat: the tensors that `flatten` gives.
        """
        epochs, rows = epoch.numpy(), row.numpy()
        if self._building and epochs[0] > self._epoch:
            self._all_rows = True
            if self.finish() is not None:
                return False
        if self._building:
            self._take(epochs, rows, flat)
        self.position = int(epochs[-1]), int(rows[-1]) + 1
        return True

    def _take(self, epochs: np.ndarray, rows: np.ndarray, flat: tuple[tf.Tensor, ...]) -> None:
        begins = (int(epochs[0]), int(rows[0]))
        if begins <= self._last:
            self.stop("the rows are read a second time")
            return
        self._last = (int(epochs[-1]), int(rows[-1]))
        first, last = np.searchsorted(epochs, [self._epoch, self._epoch + 1])
        if first == last:
            return
        try:
            part = slice(int(first), int(last))
            writer = self._writer = self._writer or self._opened()
            arrays = [tensor.numpy() for tensor in flat]
            writer.add(entries(self.layout, arrays, part), int(last - first))
            self._note_missing(rows[part])
        except FAILURES as error:
            self.stop(error)

    def _opened(self) -> CacheWriter:
        log.info("cache: the rows are stored in %s as they are read", self._target.folder)
        return CacheWriter(self._target.folder, self.layout, self._target.limit)

    def _note_missing(self, rows: np.ndarray) -> None:
        """Notes which records the rows of the epoch have left out since the last batch."""
        end = int(rows[-1]) + 1
        if end - self._next > len(rows):
            self._missing.append(np.setdiff1d(np.arange(self._next, end), rows))
        self._next = end

    def finish(self) -> OpenCache | None:
        """Returns the cache, completed if its epoch is; None when there is none."""
        writer = self._writer
        if writer is None or not self._all_rows:
            self.stop()
            return self.cache
        try:
            entry = self._complete(writer)
            self.cache = OpenCache(entry, self._reader, self.layout)
        except FAILURES as error:
            self.stop(error)
            return None
        self.stop()
        size = entry.bytes / 2**20
        log.info("cache: %d rows, %.0f MB, are read from %s", entry.rows, size, entry.folder)
        return self.cache

    def _complete(self, writer: CacheWriter) -> CacheEntry:
        sizes, rows = self._reader.sizes()
        # After a batch that failed, TensorFlow continues with the next one.
        if writer.rows + len(self._reader.left_out.of(self._epoch)) != rows:
            raise OSError("not every row was read")
        index = writer.index(int(sizes.sum()))
        bad = self._fill(index, sizes)
        if (index >= 0).sum() != writer.rows:
            raise OSError("the files hold other records than when they were read")
        if folders.stamps(self._reader.files) != self._target.key["files"]:
            raise OSError("the data files changed while they were read")
        manifest = {"key": self._target.key, "sizes": sizes.tolist(), "bad": bad}
        writer.finish(self._target.path, manifest)
        entry = folders.read_cache(self._target.path)
        if entry is None:
            raise OSError(f"{self._target.path} is gone")
        folders.make_room(self._target.folder, entry.folder, self._target.limit)
        return entry

    def _fill(self, index: np.ndarray, sizes: np.ndarray) -> list[list[Any]]:
        """Writes where each record is stored; returns (record, message) of the bad ones.

        Rows were stored in the order of their records, so that a row's place is the number of its
        record less the number of missing records before it.
        """
        missing = np.concatenate([np.zeros(0, np.int64), *self._missing])
        left_out = self._reader.left_out.of(self._epoch)
        bad = np.array(sorted(left_out), np.int64)
        messages = []
        order = RowOrder(self._order.seed, self._order.window, self._epoch + 1, (self._epoch, 0))
        for run in self._reader.records(order, sizes):
            numbers = run.first + np.arange(len(run.records))
            places = numbers - np.searchsorted(missing, numbers)
            absent = np.isin(numbers, missing) | (numbers >= self._next)
            index[run.records] = np.where(absent, NOT_A_ROW, places)
            wrong = bad[slice(*np.searchsorted(bad, [run.first, run.first + len(numbers)]))]
            records = run.records[wrong - run.first]
            index[records] = BAD_ROW
            messages += [[int(r), left_out[int(w)]] for r, w in zip(records, wrong, strict=True)]
        return sorted(messages)

    def stop(self, why: object = "") -> None:
        """Takes no more rows and deletes an incomplete cache; logs `why` the first time."""
        logged = why and self._building
        self._building = False
        if self._writer is not None:
            self._writer.close()
        self._writer = None
        self._missing.clear()
        if logged:
            log.warning(
                "cache: not built, the rows are read from their files: %s; data_config.cache says "
                "where it may be and how large",
                why,
            )
