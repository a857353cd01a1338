"""Lookup and pooling of rows of embedding tables; gradients are `tf.IndexedSlices`.

Symbols: B rows, N values in all, D dim, L steps in a row.
"""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.data.rows.values import Bags, DenseSteps, Ids, Steps
from easyrec_lite.features.sharded import lookup


def sum_rows(vectors: tf.Tensor, rows: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Returns the sum of the vectors of each row, float32 [B, D].

    Args:
      vectors: float32 [N, D].
      rows: int64 [N], ascending, the row that each vector belongs to.
      count: int64 scalar B; rows without vectors are zero.
    """
    # `segment_sum` ends at the last row that has a vector: append zeros for those after it.
    summed = tf.math.segment_sum(vectors, rows)
    return tf.pad(summed, [[0, count - tf.shape(summed, tf.int64)[0]], [0, 0]])


def softmax_weights(scores: tf.Tensor, rows: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Returns the softmax of scores [N, 1] over the values of each row, float32 [N, 1].

    Args:
      scores: float32 [N, 1].
      rows: int64 [N], ascending, the row that each score belongs to.
      count: int64 scalar B.
    """
    highest = tf.math.unsorted_segment_max(tf.stop_gradient(scores), rows, count)
    raised = tf.exp(scores - tf.gather(highest, rows))
    return raised / tf.gather(sum_rows(raised, rows, count), rows)


def lookup_ids(table: tf.Variable, value: Ids) -> tf.Tensor:
    """Returns the vector of each row's id, float32 [B, D]; zeros where there is none.

    Only the rows of the table that are looked up have a gradient.
    """
    # Rows without an id are left out of the lookup and padded with zeros by `sum_rows`.
    rows = tf.where(value.ids >= 0)[:, 0]
    vectors = lookup(table, tf.gather(value.ids, rows))
    return sum_rows(vectors, rows, tf.size(value.ids, out_type=tf.int64))


def pool(table: tf.Variable, value: Bags, combiner: str) -> tf.Tensor:
    """Returns each row's vectors pooled into one, float32 [B, D]; zeros for an empty row.

    With vectors v and weights w (1 when the value has none): `sum` is Σwv, `mean` Σwv / Σw,
    `sqrtn` Σwv / √Σw².
    """
    ids = value.ids
    rows, count = ids.value_rowids(), ids.nrows()
    vectors = lookup(table, ids.values)
    if value.weights is None:
        summed = sum_rows(vectors, rows, count)
        total = tf.cast(ids.row_lengths(), tf.float32)
        squares = total
    else:
        weights = value.weights.values
        summed = sum_rows(vectors * weights[:, tf.newaxis], rows, count)
        total = tf.math.unsorted_segment_sum(weights, rows, count)
        squares = tf.math.unsorted_segment_sum(tf.square(weights), rows, count)
    if combiner == "sum":
        return summed
    divisor = total if combiner == "mean" else tf.sqrt(squares)
    return tf.math.divide_no_nan(summed, divisor[:, tf.newaxis])


def steps(table: tf.Variable | None, value: Steps | DenseSteps, combiner: str) -> tf.RaggedTensor:
    """Returns the vector of each step, ragged float32 [B, (L), D].

    A step of several ids is pooled by `combiner`. With a table, a step of M numbers x is
    Σ_m x_m · table[m]; without one it is the numbers themselves.
    """
    if isinstance(value, DenseSteps):
        flat = value.values.values
        return value.values.with_values(flat if table is None else weigh(table, flat))
    inner = value.ids.values
    if isinstance(inner, tf.RaggedTensor):
        return value.ids.with_values(pool(table, Bags(inner), combiner))
    return value.ids.with_values(lookup(table, inner))


def weigh(table: tf.Variable, numbers: tf.Tensor) -> tf.Tensor:
    """Returns Σ_m x_m · table[m] for numbers x float32 [N, M], as float32 [N, D]."""
    return numbers @ lookup(table, tf.range(table.shape[0]))


def padded(steps: tf.RaggedTensor, length: tf.Tensor) -> tf.Tensor:
    """Returns steps [R, (L), D] as float32 [R, length, D], zeros after the end."""
    dense = steps.to_tensor(shape=[None, None, steps.shape[-1]])
    return tf.pad(dense, [[0, 0], [0, length - tf.shape(dense, length.dtype)[1]], [0, 0]])
