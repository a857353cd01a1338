"""Data sets of batches: from rows and their numbers to what a run reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from easyrec_lite.data.rows.share import RowNumbers

# (rows, position, real) → what is made of a batch.
Finish = Callable[[Any, tf.Tensor, tf.Tensor], Any]


@tf.autograph.experimental.do_not_convert
def placed(rows: Any, numbers: RowNumbers) -> tuple[Any, tf.Tensor, tf.Tensor]:
    """Returns (rows, position, real) of a batch and its numbers."""
    return rows, numbers.position, numbers.real


def finished(batches: tf.data.Dataset, finish: Finish) -> tf.data.Dataset:
    """Returns `finish(rows, position, real)` of each of `batches`, (rows, `RowNumbers`)."""

    @tf.autograph.experimental.do_not_convert
    def finish_one(rows: Any, numbers: RowNumbers) -> Any:
        return finish(*placed(rows, numbers))

    return batches.map(finish_one, tf.data.AUTOTUNE, deterministic=True)


@tf.autograph.experimental.do_not_convert
def is_real(*element: Any) -> tf.Tensor:
    """Returns whether an element is this worker's own: its last part, as `placed` returns it."""
    return element[-1]


@tf.autograph.experimental.do_not_convert
def positioned(rows: Any, position: tf.Tensor, real: tf.Tensor) -> tuple[Any, tf.Tensor]:
    """Returns (rows, position) of what `placed` returned."""
    return rows, position


def endless(batches: tf.data.Dataset, spare: Any, start: tuple[int, int] | tf.Tensor) -> Any:
    """Returns an endless data set of (batch, real), continued by a batch that is not real.

    Those have the position of the last real one.

    Args:
      batches: (batch, real), where a batch is a named tuple with a `position`.
      spare: a batch.
      start: the position before all of them.
    """
    unknown = tf.constant([-1, -1], tf.int64)
    pads = tf.data.Dataset.from_tensors((spare._replace(position=unknown), False)).repeat()

    @tf.autograph.experimental.do_not_convert
    def keep(last: tf.Tensor, element: tuple[Any, tf.Tensor]) -> tuple[tf.Tensor, Any]:
        batch, real = element
        position = tf.where(batch.position < 0, last, batch.position)
        return position, (batch._replace(position=position), real)

    return batches.concatenate(pads).scan(tf.convert_to_tensor(start, tf.int64), keep)
