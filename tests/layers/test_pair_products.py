"""Products in blocks against one numpy einsum, values and gradients."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.layers.cin.pair_products import BLOCK_ROWS, pair_products


@pytest.mark.parametrize("rows", [0, 1, BLOCK_ROWS, 2 * BLOCK_ROWS + 3])
def test_values_and_gradients(rows: int) -> None:
    rng = np.random.default_rng(rows)
    left, right, upstream = (rng.normal(size=(rows, width)) for width in (3, 4, 2))
    weights = rng.normal(size=(12, 2))
    inputs = [tf.constant(array, tf.float32) for array in (left, right, weights)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        found = pair_products(*inputs)
        loss = tf.reduce_sum(found * tf.constant(upstream, tf.float32))
    gradients = tape.gradient(loss, inputs)
    cube = weights.reshape(3, 4, 2)
    expected = np.einsum("ri,rj,ijk->rk", left, right, cube)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    oracles = [
        np.einsum("rk,rj,ijk->ri", upstream, right, cube),
        np.einsum("rk,ri,ijk->rj", upstream, left, cube),
        np.einsum("rk,ri,rj->ijk", upstream, left, right).reshape(12, 2),
    ]
    for gradient, oracle in zip(gradients, oracles, strict=True):
        np.testing.assert_allclose(gradient, oracle, rtol=1e-3, atol=1e-4)


def test_in_a_graph_of_unknown_rows() -> None:
    spec = tf.TensorSpec([None, 2], tf.float32)

    @tf.function(input_signature=[spec, spec])
    def compute(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
        return pair_products(left, right, tf.ones([4, 1]))

    np.testing.assert_allclose(compute(tf.ones([5, 2]), tf.ones([5, 2])), np.full([5, 1], 4.0))
