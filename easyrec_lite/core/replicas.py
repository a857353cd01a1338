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
    sizes, number = _sizes(values)
    start = tf.reduce_sum(sizes[:number])
    everyone = _gather(tf.stop_gradient(values), sizes)
    return _own_first(everyone, start, start + sizes[number])


def gathered_with_gradient(values: tf.Tensor) -> tf.Tensor:
    """Returns what `gathered` does; the gradients of all replicas reach the replica of a row."""
    if count() == 1:
        return values

    @tf.custom_gradient
    def gather(values: tf.Tensor) -> tuple[tf.Tensor, Any]:
        sizes, number = _sizes(values)
        start = tf.reduce_sum(sizes[:number])
        stop = start + sizes[number]

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            own = stop - start
            before, after = upstream[own : own + start], upstream[own + start :]
            everyones = tf.concat([before, upstream[:own], after], axis=0)
            return total(_one_more(everyones))[start:stop]

        return _own_first(_gather(values, sizes), start, stop), gradient

    return gather(values)


def all_rows(slices: tf.IndexedSlices) -> tf.IndexedSlices:
    """Returns the rows of all replicas' gradients of a table; the table itself never travels."""
    if count() == 1:
        return slices
    sizes, _ = _sizes(slices.indices)
    values, indices = (_gather(each, sizes) for each in (slices.values, slices.indices))
    return tf.IndexedSlices(values, indices, slices.dense_shape)


def _sizes(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns how many rows each replica has, int32 [R], and the number of this one."""
    number = tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int32)
    return stacked(tf.shape(values)[0]), number


def _gather(values: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
    """Returns the rows of all replicas in their order."""
    everyone = tf.distribute.get_replica_context().all_gather(_one_more(values), axis=0)
    more = tf.cumsum(sizes + 1) - 1
    real = tf.tensor_scatter_nd_update(
        tf.fill([tf.reduce_sum(sizes + 1)], True), more[:, None], tf.zeros_like(more, tf.bool)
    )
    return tf.boolean_mask(everyone, real)


def _one_more(values: tf.Tensor) -> tf.Tensor:
    """Returns the values with one more row, since TensorFlow crashes on an exchange of none."""
    return tf.pad(values, [[0, 1], *([[0, 0]] * (values.shape.rank - 1))])


def _own_first(everyone: tf.Tensor, start: tf.Tensor, stop: tf.Tensor) -> tf.Tensor:
    return tf.concat([everyone[start:stop], everyone[:start], everyone[stop:]], axis=0)
