"""Exchange between the replicas of a synchronous step, in the replica context of the step.

Each replica holds its own copy of the variables. The copies stay equal, since the gradients are
exchanged before they are applied. Outside of `tf.distribute` there is one replica and no exchange.
Symbols: R replicas, B rows of this replica, N rows of all.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def count() -> int:
    """Returns R, the number of replicas of the step that is traced."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else int(context.num_replicas_in_sync)


def total(values: Any) -> Any:
    """Returns the sums over replicas of a structure of tensors, or the structure if R = 1."""
    if count() == 1:
        return values
    # The exchange finds the replica by the tensor's device; a captured tensor has none, a copy has.
    values = tf.nest.map_structure(tf.identity, values)
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)


def stacked(values: tf.Tensor) -> tf.Tensor:
    """Returns the values of all replicas, of equal shape, in order: [R, ...]."""
    if count() == 1:
        return values[None]
    own = tf.identity(values)[None]
    return tf.distribute.get_replica_context().all_gather(own, axis=0)


def gathered(values: tf.Tensor) -> tf.Tensor:
    """Returns the rows of all replicas [N, ...], those of this one first, without gradient."""
    if count() == 1:
        return values
    sizes, number = _sizes(values)
    start = tf.reduce_sum(sizes[:number])
    everyone = _gather(tf.stop_gradient(values), sizes)
    return _own_first(everyone, start, start + sizes[number])


def gathered_with_gradient(values: tf.Tensor) -> tf.Tensor:
    """Returns the same as `gathered`; the gradient of a row is summed over all replicas."""
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
    """Returns the gradient rows of all replicas; tables themselves are never exchanged."""
    if count() == 1:
        return slices
    sizes, _ = _sizes(slices.indices)
    values, indices = (_gather(each, sizes) for each in (slices.values, slices.indices))
    return tf.IndexedSlices(values, indices, slices.dense_shape)


def _sizes(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the number of rows of each replica, int32 [R], and the number of this replica."""
    number = tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int32)
    return stacked(tf.shape(values)[0]), number


def _gather(values: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
    """Returns the rows of all replicas in order."""
    everyone = tf.distribute.get_replica_context().all_gather(_one_more(values), axis=0)
    more = tf.cumsum(sizes + 1) - 1
    real = tf.tensor_scatter_nd_update(
        tf.fill([tf.reduce_sum(sizes + 1)], True), more[:, None], tf.zeros_like(more, tf.bool)
    )
    return tf.boolean_mask(everyone, real)


def _one_more(values: tf.Tensor) -> tf.Tensor:
    """Appends a row, since TensorFlow crashes on an exchange of no rows."""
    return tf.pad(values, [[0, 1], *([[0, 0]] * (values.shape.rank - 1))])


def _own_first(everyone: tf.Tensor, start: tf.Tensor, stop: tf.Tensor) -> tf.Tensor:
    return tf.concat([everyone[start:stop], everyone[:start], everyone[stop:]], axis=0)
