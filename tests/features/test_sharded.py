"""Tables in parts do what a whole table does: lookups, gradients, updates, initial values."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format

from easyrec_lite.checks.features import EmbeddingTable
from easyrec_lite.data.rows.values import Bags, Ids
from easyrec_lite.features import pooling, sharded
from easyrec_lite.features.initializers import table_values
from easyrec_lite.protos import message_class
from easyrec_lite.training.optimizer import Optimizer

ROWS, DIM = 11, 3
RATE = "learning_rate { constant_learning_rate { learning_rate: 0.1 } }"


class InParts:
    """Stands for the strategy's sharded variable, which needs a cluster."""

    def __init__(self, variables: list[tf.Variable]):
        self.variables = variables
        self.shape = tf.TensorShape([sum(v.shape[0] for v in variables), variables[0].shape[1]])


def values() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(ROWS, DIM)).astype(np.float32)


def in_parts(*sizes: int) -> Any:
    ends = np.cumsum(sizes)
    assert ends[-1] == ROWS
    return InParts(
        [tf.Variable(values()[end - size : end]) for size, end in zip(sizes, ends, strict=True)]
    )


def whole_of(table: Any) -> np.ndarray:
    return np.concatenate([part.numpy() for part in sharded.parts("t", table).values()])


@pytest.mark.parametrize("sizes", [(6, 5), (4, 4, 3), (1,) * ROWS, (ROWS,)])
@pytest.mark.parametrize("rows", [[], [0], [10, 10, 10], [5, 6, 0, 5, 10, 3, 3]])
@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_lookups_and_their_gradients_are_those_of_the_whole(
    sizes: tuple[int, ...], rows: list[int], dtype: tf.DType
) -> None:
    table, whole = in_parts(*sizes), tf.Variable(values())
    wanted = tf.constant(rows, dtype, shape=[len(rows)])
    weights = tf.random.stateless_normal([len(rows), DIM], [1, 2])
    with tf.GradientTape() as tape:
        found = sharded.lookup(table, wanted)
        loss = tf.reduce_sum(found * weights)
    np.testing.assert_array_equal(found, values()[rows])
    gradients = tape.gradient(loss, table.variables)
    assert all(isinstance(gradient, tf.IndexedSlices) for gradient in gradients)
    assert sum(int(tf.size(gradient.indices)) for gradient in gradients) == len(set(rows))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.gather(whole, wanted) * weights)
    expected = tf.convert_to_tensor(tape.gradient(loss, whole)).numpy()
    dense = np.concatenate([tf.convert_to_tensor(gradient).numpy() for gradient in gradients])
    np.testing.assert_allclose(dense, expected, atol=1e-6)


def test_pooling_reads_tables_in_parts() -> None:
    table, whole = in_parts(6, 5), tf.Variable(values())
    ids = Ids(tf.constant([3, -1, 10, 3], tf.int64))
    np.testing.assert_array_equal(pooling.lookup_ids(table, ids), pooling.lookup_ids(whole, ids))
    bags = Bags(tf.RaggedTensor.from_row_lengths(tf.constant([1, 9, 9, 0], tf.int64), [3, 0, 1]))
    np.testing.assert_allclose(
        pooling.pool(table, bags, "mean"), pooling.pool(whole, bags, "mean"), atol=1e-6
    )
    numbers = tf.random.stateless_normal([5, ROWS], [3, 4])
    np.testing.assert_allclose(
        pooling.weigh(table, numbers), pooling.weigh(whole, numbers), atol=1e-5
    )


RULES = [
    f"adam_optimizer {{ {RATE} }}",
    f"adam_optimizer {{ {RATE} decay_all_rows: true }}",
    f"adamw_optimizer {{ {RATE} weight_decay: 0.01 }}",
    f"adagrad_optimizer {{ {RATE} }}",
    f"ftrl_optimizer {{ {RATE} }}",
    f"momentum_optimizer {{ {RATE} }}",
    f"rms_prop_optimizer {{ {RATE} }}",
    f"adam_optimizer {{ {RATE} }} use_moving_average: true",
]


@pytest.mark.parametrize("rule", RULES)
def test_updates_are_those_of_the_whole(rule: str) -> None:
    config = text_format.Parse(
        f"optimizer_config {{ {rule} }} gradient_clipping_by_norm: 0.5",
        message_class("TrainConfig")(),
    )
    table, whole = in_parts(6, 5), tf.Variable(values())
    optimizers = [Optimizer(config, {"t": each}, {"t"}) for each in (table, whole)]
    assert list(optimizers[0].trainable) == ["t/part_0", "t/part_1"]
    for step, rows in enumerate([[0, 3, 3, 10], [10, 4], [1]]):
        weights = tf.random.stateless_normal([len(rows), DIM], [1, step])
        for optimizer, each in zip(optimizers, (table, whole), strict=True):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(sharded.lookup(each, tf.constant(rows)) * weights)
            found = tape.gradient(loss, list(optimizer.trainable.values()))
            prepared = optimizer.prepare(dict(zip(optimizer.trainable, found, strict=True)))
            optimizer.apply(prepared, tf.constant(step, tf.int64))
            optimizer.update_averages({"t": each})
    np.testing.assert_allclose(whole_of(table), whole, atol=1e-6)
    states = [optimizer.variables_by_name() for optimizer in optimizers]
    assert states[0].keys() == states[1].keys()
    for name, state in states[0].items():
        np.testing.assert_allclose(whole_of(state), states[1][name], atol=1e-6, err_msg=name)


INITIALIZERS = [
    "",
    "truncated_normal_initializer { mean: 0.5 stddev: 0.1 }",
    "random_normal_initializer { mean: -1 stddev: 2 }",
    "glorot_normal_initializer {}",
    "constant_initializer { consts: 0.25 }",
]


@pytest.mark.parametrize("initializer", INITIALIZERS)
@pytest.mark.parametrize(("rows", "dim"), [(10, 16), (1001, 5), (70001, 3), (9, 1), (33, 6)])
def test_a_part_begins_as_these_rows_of_the_whole(initializer: str, rows: int, dim: int) -> None:
    parsed = text_format.Parse(initializer, message_class("Initializer")()) if initializer else None
    made = partial(table_values, EmbeddingTable("t", rows, dim, parsed, ()), 7)
    whole = made().numpy()
    for first in (0, 1, rows // 3, rows // 2 + 1, rows - 1):
        for count in {1, rows - first}:
            part = made(partition_shape=(count, dim), partition_offset=(first, 0))
            np.testing.assert_array_equal(part, whole[first : first + count])


def test_only_what_is_made_within_cut_is_cut() -> None:
    partition = partial(sharded.partitioner(4), dtype=tf.float32)
    matrix, few, vector = tf.TensorShape([100, 8]), tf.TensorShape([3, 8]), tf.TensorShape([5])
    assert partition(matrix) == [1, 1]
    with sharded.cut(9):
        assert partition(matrix) == [4, 1]
        assert partition(few) == [3, 1]
    with sharded.cut(2):
        assert partition(matrix) == [2, 1]
    with sharded.cut(0):
        assert partition(matrix) == [1, 1]
    assert partition(vector) == [1]
