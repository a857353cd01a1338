"""A reader whose rows are kept once they are transformed: the one door to the cache."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.data.cache import folders
from easyrec_lite.data.cache.build import Build, Place
from easyrec_lite.data.cache.folders import Broken
from easyrec_lite.data.cache.layout import Layout, NotStorable
from easyrec_lite.data.cache.reading import Batching, Rows, dataset
from easyrec_lite.data.readers.base import Reader
from easyrec_lite.data.rows.order import Order
from easyrec_lite.data.rows.share import Finish, Numbers, finished
from easyrec_lite.protos.messages import CacheConfig

NOT_SHARED = (
    "cache: not built, as each of the %d workers reads only a part of the rows; training one epoch "
    "or more with one process and data_config.cache { mode: ALWAYS } builds it for all"
)
log = logging.getLogger(__name__)


class CachedRows:
    """Batches of transformed rows: from the cache, or from the reader while the cache is built.

    Args:
      options: the `CacheConfig` message.
      reader: the rows' reader.
      key: what the transformed rows follow from.
      encode: raw columns of a batch → the nest that is kept; row by row, the same each time.
      small: names of its leaves whose whole numbers fit into 32 bits.
      again: whether this run will read the data again, whatever the order says.
    """

    def __init__(
        self,
        options: CacheConfig,
        reader: Reader,
        key: dict[str, Any],
        encode: Callable[[Any], Any],
        small: Collection[str],
        again: bool,
    ):
        first = Path(os.path.abspath(reader.files[0]))
        folder = Path(options.folder) if options.folder else first.parent / folders.FOLDER
        self._place = Place(folder, key, options.max_megabytes << 20)
        self._reader = reader
        self._encode = encode
        self._small = small
        self._again = again or options.mode == options.ALWAYS
        self._rows: Rows | None = None
        self._build: Build | None = None

    @property
    def opened(self) -> bool:
        """Whether the cache is whole and open."""
        if self._rows is None and self._build is not None:
            self._rows = self._build.rows
        return self._rows is not None

    def close(self) -> None:
        """Stops keeping rows; what is not whole goes."""
        if self._build is not None:
            self._build.stop()

    def batches(
        self, order: Order, batch_size: int, drop_remainder: bool, finish: Finish
    ) -> tf.data.Dataset:
        """Returns `finish(nest, position, real)` of each batch of an order.

        With a share by rows they are as `Share.span` says.

        Args:
          order: what the reader's `begin` gave.
          batch_size: B.
          drop_remainder: whether a last batch of fewer rows is left out.
          finish: what becomes of a batch; see `placed`.
        """
        numbered = self._reader.numbered(order, batch_size, drop_remainder)
        encoded = numbered.map(self._encoded, tf.data.AUTOTUNE, deterministic=True)
        batching = Batching(batch_size, drop_remainder, self._reader.share)
        try:
            layout = Layout(encoded.element_spec[0], self._small)
        except NotStorable as error:
            log.warning("cache: the rows are read from their files: %s", error)
            return finished(encoded, finish)
        self.close()
        if not self.opened:
            self._rows = self._open(layout)
        rows = self._rows
        if rows is not None:
            return dataset(partial(rows.blocks, order, batching), layout, batching, finish)
        if not self._worthwhile(order):
            return finished(encoded, finish)
        if self._reader.share.by_row:
            log.info(NOT_SHARED, self._reader.share.count)
            return finished(encoded, finish)
        build = self._build = Build(self._place, self._reader, layout, order, not drop_remainder)

        @tf.autograph.experimental.do_not_convert
        def taken(element: Any, numbers: Numbers) -> tf.Tensor:
            flat = [numbers.epoch, numbers.row, *layout.flatten(element)]
            return tf.ensure_shape(tf.py_function(build.takes, flat, tf.bool), [])

        def rest() -> Iterator[tuple[np.ndarray, ...]]:
            found = build.finish()
            if found is not None:
                later = dataclasses.replace(order, start=build.position)
                yield from found.blocks(later, batching)

        kept = finished(encoded.take_while(taken), finish)
        return kept.concatenate(dataset(rest, layout, batching, finish))

    @tf.autograph.experimental.do_not_convert
    def _encoded(self, columns: Any, numbers: Numbers) -> tuple[Any, Numbers]:
        return self._encode(columns), numbers

    def _worthwhile(self, order: Order) -> bool:
        """Whether an epoch is read whole, and another one after it."""
        whole = order.start[0] + (order.start[1] > 0)
        last = order.epochs
        return last is None or whole + 1 < last or (self._again and whole < last)

    def _open(self, layout: Layout) -> Rows | None:
        """Returns the cache of this key if it is there and whole; removes it if it is broken."""
        target = self._place.target
        folders.sweep(self._place.folder)
        try:
            kept = folders.read_cache(target)
            if kept is None:
                folders.remove(target)
                return None
            if kept.manifest["columns"] != layout.describe():
                raise Broken(target, f"{target} holds other columns")
            rows = Rows(kept, self._reader, layout)
        except Broken as broken:
            log.warning("cache: removed, and made anew: %s", broken)
            folders.remove(target)
            return None
        except OSError as error:
            log.warning("cache: not used: %s", error)
            return None
        log.info("cache: %d rows are read from %s", kept.rows, target)
        return rows
