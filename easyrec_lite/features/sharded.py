"""Embedding tables split by rows into parts, each on its own parameter server.

A table is a `tf.Variable`, or, made within `cut` under the scope of a
`tf.distribute.ParameterServerStrategy`, that strategy's sharded variable: its parts follow one
another in `table.variables`, by TensorFlow's "div" rule: of M rows in P parts the first M mod P
parts have one row more than the others. A checkpoint holds such a table whole.

What TensorFlow offers is used where it fits: the strategy cuts, places and saves the parts, and
`tf.nn.embedding_lookup` reads them. Its own partitioners are not: they would cut every variable
from a size on, also vectors and kernels, and know nothing of `max_partitions`. Its lookup has a
gradient for each id; `lookup` adds those of equal ids up before they travel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import tensorflow as tf

_most_parts: ContextVar[int] = ContextVar("most_parts", default=1)


@contextmanager
def cut(most: int) -> Iterator[None]:
    """Allows variables created within the block to be split by rows into up to `most` parts."""
    token = _most_parts.set(most)
    try:
        yield
    finally:
        _most_parts.reset(token)


def partitioner(servers: int) -> Callable[..., list[int]]:
    """Returns the `variable_partitioner` for `servers` parameter servers: at most one part each."""

    def partition(shape: tf.TensorShape, dtype: tf.DType, **_: Any) -> list[int]:
        count = max(1, min(_most_parts.get(), servers, shape[0] or 1))
        return [count] + [1] * (shape.rank - 1)

    return partition


def parts(name: str, table: Any) -> dict[str, tf.Variable]:
    """Returns the parts of a table by name; a table in one piece is its only part."""
    if isinstance(table, tf.Variable):
        return {name: table}
    return {f"{name}/part_{index}": part for index, part in enumerate(table.variables)}


def alike(table: Any, make: Callable[[tf.Variable], tf.Variable]) -> Any:
    """Returns a table split as `table` is: `make` of each part, on the device of that part."""
    made = []
    for part in parts("", table).values():
        with tf.device(part.device):
            made.append(make(part))
    return made[0] if isinstance(table, tf.Variable) else type(table)(made)


def lookup(table: Any, rows: tf.Tensor) -> tf.Tensor:
    """Returns the rows of a table, float32 [N, D]; gradients reach it as `tf.IndexedSlices`.

    For a table in parts, in steps: remove repeated rows; find the part of each distinct row; gather
    from each part on its device; put the vectors back in order; repeat them. Each distinct row is
    so read and sent once.

    Args:
      table: float32 [M, D].
      rows: int32 or int64 [N], each below M.
    """
    if isinstance(table, tf.Variable):
        return tf.gather(table, rows)
    distinct, place = tf.unique(rows)
    return _repeated(tf.nn.embedding_lookup(table.variables, distinct), place)


@tf.custom_gradient
def _repeated(vectors: tf.Tensor, place: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """Returns `tf.gather(vectors, place)` with a dense gradient, as `vectors` are few."""

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
        return tf.math.unsorted_segment_sum(upstream, place, tf.shape(vectors)[0]), None

    return tf.gather(vectors, place), gradient
