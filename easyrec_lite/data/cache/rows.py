"""A reader whose rows are stored once they are transformed: the one entrance to the cache."""

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
from easyrec_lite.data.cache.builder import CacheBuilder, CacheTarget
from easyrec_lite.data.cache.encoding import flatten
from easyrec_lite.data.cache.folders import BrokenCache
from easyrec_lite.data.cache.layout import CacheLayout, NotStorable
from easyrec_lite.data.cache.reading import Batching, OpenCache, dataset
from easyrec_lite.data.readers.base import Reader
from easyrec_lite.data.rows.batches import Finish, finished
from easyrec_lite.data.rows.order import RowOrder
from easyrec_lite.data.rows.share import RowNumbers
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
      encode: raw columns of a batch → the nest that is stored; row by row, the same each time.
      small: names of its tensors whose integers fit into 32 bits.
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
        self._target = CacheTarget(folder, key, options.max_megabytes << 20)
        self._reader = reader
        self._encode = encode
        self._small = small
        self._again = again or options.mode == options.ALWAYS
        self._cache: OpenCache | None = None
        self._builder: CacheBuilder | None = None

    @property
    def opened(self) -> bool:
        """Whether the cache is complete and open."""
        if self._cache is None and self._builder is not None:
            self._cache = self._builder.cache
        return self._cache is not None

    def close(self) -> None:
        """Stops storing rows, and deletes an incomplete cache."""
        if self._builder is not None:
            self._builder.stop()

    def batches(
        self, order: RowOrder, batch_size: int, drop_remainder: bool, finish: Finish
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
            layout = CacheLayout(encoded.element_spec[0], self._small)
        except NotStorable as error:
            log.warning("cache: the rows are read from their files: %s", error)
            return finished(encoded, finish)
        self.close()
        if not self.opened:
            self._cache = self._open(layout)
        if self._cache is not None:
            blocks = partial(self._cache.blocks, order, batching)
            return dataset(blocks, layout, batching, finish)
        if not self._is_worthwhile(order):
            return finished(encoded, finish)
        if self._reader.share.by_row:
            log.info(NOT_SHARED, self._reader.share.count)
            return finished(encoded, finish)
        return self._building(encoded, layout, order, batching, finish)

    def _building(
        self,
        encoded: tf.data.Dataset,
        layout: CacheLayout,
        order: RowOrder,
        batching: Batching,
        finish: Finish,
    ) -> tf.data.Dataset:
        """Returns the batches of an order, which build the cache until it continues instead."""
        all_rows = not batching.drop_remainder
        builder = CacheBuilder(self._target, self._reader, layout, order, all_rows)
        self._builder = builder

        @tf.autograph.experimental.do_not_convert
        def taken(element: Any, numbers: RowNumbers) -> tf.Tensor:
            flat = [numbers.epoch, numbers.row, *flatten(layout, element)]
            return tf.ensure_shape(tf.py_function(builder.takes, flat, tf.bool), [])

        def rest() -> Iterator[tuple[np.ndarray, ...]]:
            cache = builder.finish()
            if cache is not None:
                yield from cache.blocks(
                    dataclasses.replace(order, start=builder.position), batching
                )

        read = finished(encoded.take_while(taken), finish)
        return read.concatenate(dataset(rest, layout, batching, finish))

    @tf.autograph.experimental.do_not_convert
    def _encoded(self, columns: Any, numbers: RowNumbers) -> tuple[Any, RowNumbers]:
        return self._encode(columns), numbers

    def _is_worthwhile(self, order: RowOrder) -> bool:
        """Returns whether an epoch is read whole, and another one after it."""
        whole = order.start[0] + (order.start[1] > 0)
        last = order.epochs
        return last is None or whole + 1 < last or (self._again and whole < last)

    def _open(self, layout: CacheLayout) -> OpenCache | None:
        """Returns the cache of this key if it exists and is complete; removes a broken one."""
        target = self._target.path
        folders.sweep(self._target.folder)
        try:
            entry = folders.read_cache(target)
            if entry is None:
                folders.remove(target)
                return None
            if entry.manifest["columns"] != layout.describe():
                raise BrokenCache(target, f"{target} holds other columns")
            cache = OpenCache(entry, self._reader, layout)
        except BrokenCache as broken:
            log.warning("cache: removed, and built again: %s", broken)
            folders.remove(target)
            return None
        except OSError as error:
            log.warning("cache: not used: %s", error)
            return None
        log.info("cache: %d rows are read from %s", entry.rows, target)
        return cache
