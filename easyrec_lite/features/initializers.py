"""Initial values of embedding tables: a function of (seed, table name), whatever else is made."""

from __future__ import annotations

import math

import tensorflow as tf

from easyrec_lite.errors import ConfigError, Problem
from easyrec_lite.features.specs import TableSpec
from easyrec_lite.layers.seeds import derive_seed

# The standard deviation of a standard normal distribution cut off at ±2.
_TRUNCATED_STDDEV = 0.87962566103423978

# Drawn in a graph, which scales in place: no second copy of a large table is held.
_drawn_in_graph = tf.function(
    input_signature=[
        tf.TensorSpec([2], tf.int32),
        tf.TensorSpec([2], tf.int32),
        tf.TensorSpec([], tf.float32),
        tf.TensorSpec([], tf.float32),
    ]
)
_normal = _drawn_in_graph(
    lambda shape, seed, mean, stddev: tf.random.stateless_normal(shape, seed, mean, stddev)
)
_truncated_normal = _drawn_in_graph(
    lambda shape, seed, mean, stddev: tf.random.stateless_truncated_normal(
        shape, seed, mean, stddev
    )
)


def table_values(table: TableSpec, seed: int) -> tf.Tensor:
    """Returns the initial values of a table, float32 [rows, dim].

    The default is normal with mean 0 and standard deviation 1/√dim, cut off at two standard
    deviations (the cut makes the actual one 0.88/√dim). `glorot_normal_initializer` has the actual
    standard deviation √(2 / (rows + dim)).

    Args:
      table: the table.
      seed: the run's seed.

    Raises:
      ConfigError: `constant_initializer` has a number of values that does not fit.
    """
    shape = (table.rows, table.dim)
    pair = (derive_seed(seed, table.name), 0)
    kind = table.initializer.WhichOneof("initializer_oneof") if table.initializer else None
    if kind is None:
        return _truncated_normal(shape, pair, 0.0, 1.0 / math.sqrt(table.dim))
    if kind == "constant_initializer":
        return _constant(table)
    if kind == "glorot_normal_initializer":
        stddev = math.sqrt(2.0 / (table.rows + table.dim)) / _TRUNCATED_STDDEV
        return _truncated_normal(shape, pair, 0.0, stddev)
    config = getattr(table.initializer, kind)
    draw = _truncated_normal if kind == "truncated_normal_initializer" else _normal
    return draw(shape, pair, config.mean, config.stddev)


def _constant(table: TableSpec) -> tf.Tensor:
    values = list(table.initializer.constant_initializer.consts)
    if len(values) == 1:
        return tf.fill([table.rows, table.dim], tf.constant(values[0], tf.float32))
    if len(values) not in (table.dim, table.rows * table.dim):
        raise ConfigError(
            Problem(
                f"constant_initializer does not fit table {table.name!r}",
                path="initializer.constant_initializer.consts",
                expected=f"1 value, {table.dim} (a row) or {table.rows * table.dim} (all)",
                found=f"{len(values)} values",
                remedy="give one value for all",
            )
        )
    given = tf.reshape(tf.constant(values, tf.float32), [-1, table.dim])
    return tf.broadcast_to(given, [table.rows, table.dim])
