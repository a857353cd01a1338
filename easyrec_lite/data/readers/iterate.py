"""Iterates over what a reader reads, with errors that name the row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from easyrec_lite.data.readers.base import READ_ERRORS, Reader


def column_batches(reader: Reader, batch_size: int, limit: int = 0) -> Iterator[dict[str, Any]]:
    """Yields the raw columns of `batch_size` rows each, in the order of the files.

    Args:
      reader: the reader.
      batch_size: the number of rows of a batch; the last may be smaller.
      limit: the number of rows to read; 0 for all.

    Raises:
      DataError: a row cannot be read.
    """
    rows = reader.batches(batch_size)
    if limit:
        rows = first_rows(rows, batch_size, limit)
    for columns, _ in guarded(reader, rows, lambda element: element[1]):
        yield columns


def guarded(
    reader: Reader, dataset: tf.data.Dataset, position: Callable[[Any], tf.Tensor]
) -> Iterator[Any]:
    """Yields the elements of a data set that was made from `reader.batches()`.

    Args:
      reader: the reader, which explains an error.
      dataset: the elements.
      position: element → its int64 [2] position.

    Raises:
      DataError: a row cannot be read; names the row and the reason.
    """
    iterator, last = iter(dataset), None
    while True:
        try:
            element = next(iterator)
        except StopIteration:
            return
        except READ_ERRORS as error:
            raise reader.explain(error, last) from error
        last = position_of(position(element))
        yield element


def position_of(position: tf.Tensor) -> tuple[int, int]:
    """Returns an int64 [2] tensor as (epoch, rows)."""
    epoch, rows = position.numpy()
    return int(epoch), int(rows)


def first_rows(rows: tf.data.Dataset, batch_size: int, limit: int) -> tf.data.Dataset:
    """Returns the first `limit` rows of a data set of (columns, …), `batch_size` rows each."""

    @tf.autograph.experimental.do_not_convert
    def cut(index: tf.Tensor, element: Any) -> Any:
        columns, *rest = element
        keep = limit - index * batch_size
        return tf.nest.map_structure(lambda column: column[:keep], columns), *rest

    batches = -(-limit // batch_size)
    return rows.take(batches).enumerate().map(cut)
