"""Exchange between the replicas of a synchronous step, by the replica context that it runs in.

Each replica holds variables of its own, alike on all, and moves them alike, since what moves them
is exchanged first. Outside of `tf.distribute` there is one replica, and nothing is exchanged.
Symbols: R replicas, B rows of this one, N rows of all.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def count() -> int:
    """Returns R, the number of replicas that take part in the step being traced."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else int(context.num_replicas_in_sync)


def total(values: Any) -> Any:
    """Returns the sums over replicas of a structure of tensors, or the structure if R = 1."""
    if count() == 1:
        return values
    # A captured tensor has no device, by which the exchange finds its replica; a copy has.
    values = tf.nest.map_structure(tf.identity, values)
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)


def stacked(values: tf.Tensor) -> tf.Tensor:
    """Returns the values of all replicas, which have one shape, in their order: [R, ...]."""
    if count() == 1:
        return values[None]
    own = tf.identity(values)[None]
    return tf.distribute.get_replica_context().all_gather(own, axis=0)


def gathered(values: tf.Tensor) -> tf.Tensor:
    """Returns the rows of all replicas [N, ...], this replica's B rows first, without gradient."""
    if count() == 1:
        return values
    everyone, start, stop = _gather(tf.stop_gradient(values))
    return _own_first(everyone, start, stop)


def gathered_with_gradient(values: tf.Tensor) -> tf.Tensor:
    """Returns what `gathered` does; the gradients of all replicas reach the replica of a row."""
    if count() == 1:
        return values

    @tf.custom_gradient
    def gather(values: tf.Tensor) -> tuple[tf.Tensor, Any]:
        everyone, start, stop = _gather(values)

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            own = stop - start
            before, after = upstream[own : own + start], upstream[own + start :]
            return total(tf.concat([before, upstream[:own], after], axis=0))[start:stop]

        return _own_first(everyone, start, stop), gradient

    return gather(values)


def all_rows(slices: tf.IndexedSlices) -> tf.IndexedSlices:
    """Returns the rows of all replicas' gradients of a table; the table itself never travels."""
    if count() == 1:
        return slices
    context = tf.distribute.get_replica_context()
    values, indices = context.all_gather([slices.values, slices.indices], axis=0)
    return tf.IndexedSlices(values, indices, slices.dense_shape)


def _gather(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the rows of all replicas in their order, and where this replica's begin and end."""
    context = tf.distribute.get_replica_context()
    values = tf.identity(values)
    everyone, sizes = context.all_gather([values, tf.shape(values)[:1]], axis=0)
    number = tf.cast(context.replica_id_in_sync_group, tf.int32)
    start = tf.reduce_sum(sizes[:number])
    return everyone, start, start + sizes[number]


def _own_first(everyone: tf.Tensor, start: tf.Tensor, stop: tf.Tensor) -> tf.Tensor:
    return tf.concat([everyone[start:stop], everyone[:start], everyone[stop:]], axis=0)
