"""Initial values of embedding tables: a function of the seed and the name of the table alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from easyrec_lite.checks.features import EmbeddingTable
from easyrec_lite.layers.seeds import derive_seed

# The standard deviation of a standard normal distribution cut off at ±2.
_TRUNCATED_STDDEV = 0.87962566103423978

# Philox is a counter-based generator: block c of numbers is a function of the key and c. Kernels
# use one block for each four values of a normal distribution, and reserve 256 blocks for each four
# values of a truncated one. So the values from index 4·g on are those drawn with the counter moved
# forward by g times that many blocks, and a part of a table is drawn without the rest of it.
_PHILOX = 1
_VALUES = 4
_BLOCKS = {
    tf.raw_ops.StatelessRandomNormalV2: 1,
    tf.raw_ops.StatelessTruncatedNormalV2: 256,
}


# Drawn in a graph, which scales in place and needs no second copy of a large table.
def _drawn_in_graph(operation: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([2], tf.int32),
            tf.TensorSpec([2], tf.int32),
            tf.TensorSpec([], tf.int64),
            tf.TensorSpec([], tf.float32),
            tf.TensorSpec([], tf.float32),
        ],
    )
    def draw(shape: Any, seed: Any, groups: Any, mean: Any, stddev: Any) -> tf.Tensor:
        key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
        skipped = tf.stack([groups * _BLOCKS[operation], 0])
        counter += tf.cast(skipped, tf.uint64)
        return operation(shape=shape, key=key, counter=counter, alg=_PHILOX) * stddev + mean

    return draw


_normal = _drawn_in_graph(tf.raw_ops.StatelessRandomNormalV2)
_truncated_normal = _drawn_in_graph(tf.raw_ops.StatelessTruncatedNormalV2)


def table_values(
    table: EmbeddingTable,
    seed: int,
    partition_shape: Sequence[int] | None = None,
    partition_offset: Sequence[int] = (0, 0),
) -> tf.Tensor:
    """Returns the initial values of a table, or of a part of it, float32 [rows, dim].

    The default is normal with mean 0 and standard deviation 1/√dim, cut off at two standard
    deviations (the cut makes the actual one 0.88/√dim). `glorot_normal_initializer` has the actual
    standard deviation √(2 / (rows + dim)). A part has the same values as these rows of the whole
    table, and only they are drawn.

    Args:
      table: the table.
      seed: the run's seed.
      partition_shape: of the part; None: the whole table.
      partition_offset: the first row of the part, and 0.
    """
    rows = table.rows if partition_shape is None else int(partition_shape[0])
    first = int(partition_offset[0])
    kind = table.initializer.WhichOneof("initializer_oneof") if table.initializer else None
    if kind is None:
        mean, stddev = 0.0, 1.0 / math.sqrt(table.dim)
    elif kind == "constant_initializer":
        return _constant(table)[first : first + rows]
    elif kind == "glorot_normal_initializer":
        mean, stddev = 0.0, math.sqrt(2.0 / (table.rows + table.dim)) / _TRUNCATED_STDDEV
    else:
        config = getattr(table.initializer, kind)
        mean, stddev = config.mean, config.stddev
    draw = _normal if kind == "random_normal_initializer" else _truncated_normal
    before = first % (_VALUES // math.gcd(table.dim, _VALUES))
    groups = (first - before) * table.dim // _VALUES
    pair = (derive_seed(seed, table.name), 0)
    drawn = draw((rows + before, table.dim), pair, groups, mean, stddev)
    return drawn[before:] if before else drawn


def _constant(table: EmbeddingTable) -> tf.Tensor:
    assert table.initializer is not None
    values = list(table.initializer.constant_initializer.consts)
    if len(values) == 1:
        return tf.fill([table.rows, table.dim], tf.constant(values[0], tf.float32))
    given = tf.reshape(tf.constant(values, tf.float32), [-1, table.dim])
    return tf.broadcast_to(given, [table.rows, table.dim])
