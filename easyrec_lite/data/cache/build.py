"""A cache built from the batches of an epoch that is read anyway."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.data.cache import folders
from easyrec_lite.data.cache.folders import Broken, Kept
from easyrec_lite.data.cache.key import name_of
from easyrec_lite.data.cache.layout import Layout, NotStorable
from easyrec_lite.data.cache.reading import Rows
from easyrec_lite.data.cache.writer import BAD_ROW, NOT_A_ROW, TooLarge, Writer
from easyrec_lite.data.readers.base import Position, Reader
from easyrec_lite.data.rows.order import Order

GIVEN_UP = (OSError, Broken, TooLarge, NotStorable, tf.errors.OpError)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
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
    def target(self) -> Path:
        """The cache's own folder."""
        return self.folder / name_of(self.key)


class Build:
    """Takes the batches of an order as they pass and keeps the rows of its first whole epoch.

    Args:
      place: where to.
      reader: what the batches come from.
      layout: of the batches' elements.
      order: the order.
      all_rows: whether the batches hold every row, the last ones too.

    Attributes:
      layout: of the elements.
      position: where the batches have come to.
      rows: the open cache, once it is whole.
    """

    def __init__(self, place: Place, reader: Reader, layout: Layout, order: Order, all_rows: bool):
        self.position: Position = order.start
        self.rows: Rows | None = None
        self.layout = layout
        self._place = place
        self._reader = reader
        self._order = order
        self._all_rows = all_rows
        self._epoch = order.start[0] + (order.start[1] > 0)
        self._next = 0
        self._missing: list[np.ndarray] = []
        self._last = (-1, -1)
        self._writer: Writer | None = None
        self._going_on = True

    def takes(self, epoch: tf.Tensor, row: tf.Tensor, *flat: tf.Tensor) -> bool:
        """Takes a batch; returns False, and does not take it, when the cache goes on instead.

        Args:
          epoch: int64 [B].
          row: int64 [B], counted as the reader does.
          flat: what `Layout.flatten` gives.
        """
        epochs, rows = epoch.numpy(), row.numpy()
        if self._going_on and epochs[0] > self._epoch:
            self._all_rows = True
            if self.finish() is not None:
                return False
        if self._going_on:
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
            writer = self._writer = self._writer or self._begun()
            writer.add(self.layout.arrays([each.numpy() for each in flat], part), int(last - first))
            self._note_missing(rows[part])
        except GIVEN_UP as error:
            self.stop(error)

    def _begun(self) -> Writer:
        log.info("cache: the rows are kept in %s as they are read", self._place.folder)
        return Writer(self._place.folder, self.layout, self._place.limit)

    def _note_missing(self, rows: np.ndarray) -> None:
        """Notes which numbers the rows of the epoch have left out since the last time."""
        end = int(rows[-1]) + 1
        if end - self._next > len(rows):
            self._missing.append(np.setdiff1d(np.arange(self._next, end), rows))
        self._next = end

    def finish(self) -> Rows | None:
        """Returns the cache, completed if its epoch is; None when there is none."""
        writer = self._writer
        if writer is None or not self._all_rows:
            self.stop()
            return self.rows
        try:
            kept = self._finish(writer)
            self.rows = Rows(kept, self._reader, self.layout)
        except GIVEN_UP as error:
            self.stop(error)
            return None
        self.stop()
        size = kept.bytes / 2**20
        log.info("cache: %d rows, %.0f MB, are read from %s", kept.rows, size, kept.folder)
        return self.rows

    def _finish(self, writer: Writer) -> Kept:
        sizes, rows = self._reader.sizes()
        # After a batch that failed TensorFlow goes on with the next one.
        if writer.rows + len(self._reader.left_out.of(self._epoch)) != rows:
            raise OSError("not every row was read")
        index = writer.index(int(sizes.sum()))
        bad = self._fill(index, sizes)
        if (index >= 0).sum() != writer.rows:
            raise OSError("the files hold other records than when they were read")
        if folders.stamps(self._reader.files) != self._place.key["files"]:
            raise OSError("the data files changed while they were read")
        manifest = {"key": self._place.key, "sizes": sizes.tolist(), "bad": bad}
        writer.finish(self._place.target, manifest)
        kept = folders.read_cache(self._place.target)
        if kept is None:
            raise OSError(f"{self._place.target} is gone")
        folders.make_room(self._place.folder, kept.folder, self._place.limit)
        return kept

    def _fill(self, index: np.ndarray, sizes: np.ndarray) -> list[list[Any]]:
        """Writes where each record is kept; returns (record, what was said of it) of bad ones."""
        missing = np.concatenate([np.zeros(0, np.int64), *self._missing])
        left_out = self._reader.left_out.of(self._epoch)
        bad = np.array(sorted(left_out), np.int64)
        said = []
        order = Order(self._order.seed, self._order.window, self._epoch + 1, (self._epoch, 0))
        for run in self._reader.records(order, sizes):
            numbers = run.first + np.arange(len(run.records))
            places = numbers - np.searchsorted(missing, numbers)
            gone = np.isin(numbers, missing) | (numbers >= self._next)
            index[run.records] = np.where(gone, NOT_A_ROW, places)
            wrong = bad[slice(*np.searchsorted(bad, [run.first, run.first + len(numbers)]))]
            records = run.records[wrong - run.first]
            index[records] = BAD_ROW
            said += [[int(r), left_out[int(w)]] for r, w in zip(records, wrong, strict=True)]
        return sorted(said)

    def stop(self, why: object = "") -> None:
        """Takes no more rows; what is not whole goes, and `why` is logged the first time."""
        told = why and self._going_on
        self._going_on = False
        if self._writer is not None:
            self._writer.close()
        self._writer = None
        self._missing.clear()
        if told:
            log.warning(
                "cache: not built, the rows are read from their files: %s; data_config.cache says "
                "where it may be and how large",
                why,
            )
