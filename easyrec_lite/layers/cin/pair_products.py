"""Weighted sums of all products of two vectors' entries, in blocks of rows."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

# Smaller blocks are slower: the loop then costs more than the products.
BLOCK_ROWS = 8192


def pair_products(left: tf.Tensor, right: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Computes `out[r, k] = Σ_ij left[r, i] · right[r, j] · weights[i·F + j, k]`.

    The products [R, H·F] are never held as a whole. A loop takes `BLOCK_ROWS` rows at a time:
    outer products of the block [block, H·F], then one matrix product with the weights. The
    gradients repeat the loop and recompute the products of each block instead of storing them.

    Args:
      left: float32 [R, H].
      right: float32 [R, F].
      weights: float32 [H·F, K].

    Returns:
      float32 [R, K].
    """

    @tf.custom_gradient
    def compute(left: tf.Tensor, right: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            return _gradients(left, right, weights, upstream)

        return _forward(left, right, weights), gradients

    return compute(left, right, weights)


def _products(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    pairs = left[:, :, None] * right[:, None, :]
    return tf.reshape(pairs, [-1, left.shape[1] * right.shape[1]])


def _forward(left: tf.Tensor, right: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    rows = tf.shape(left)[0]

    def step(block: tf.Tensor, parts: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        span = slice(block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS)
        sums = tf.matmul(_products(left[span], right[span]), weights)
        return block + 1, parts.write(block, sums)

    _, parts = _in_blocks(rows, step, _parts(rows, weights.shape[1]))
    return parts.concat()


def _gradients(
    left: tf.Tensor, right: tf.Tensor, weights: tf.Tensor, upstream: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    rows, shape = tf.shape(left)[0], [-1, left.shape[1], right.shape[1]]

    def step(
        block: tf.Tensor, lefts: tf.TensorArray, rights: tf.TensorArray, total: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        span = slice(block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS)
        a, b, above = left[span], right[span], upstream[span]
        # y = (a ⊗ b) W gives dW = (a ⊗ b)ᵀ dy and d(a ⊗ b) = dy Wᵀ; its sums along b and a are da
        # and db.
        total += tf.matmul(_products(a, b), above, transpose_a=True)
        pairs = tf.reshape(tf.matmul(above, weights, transpose_b=True), shape)
        lefts = lefts.write(block, tf.reduce_sum(pairs * b[:, None, :], axis=2))
        rights = rights.write(block, tf.reduce_sum(pairs * a[:, :, None], axis=1))
        return block + 1, lefts, rights, total

    parts = (_parts(rows, left.shape[1]), _parts(rows, right.shape[1]))
    _, lefts, rights, total = _in_blocks(rows, step, *parts, tf.zeros_like(weights))
    return lefts.concat(), rights.concat(), total


def _blocks(rows: tf.Tensor) -> tf.Tensor:
    """Returns the number of blocks: at least one, which is empty when there are no rows."""
    return tf.maximum((rows + BLOCK_ROWS - 1) // BLOCK_ROWS, 1)


def _parts(rows: tf.Tensor, width: int) -> tf.TensorArray:
    shape = [None, width]
    return tf.TensorArray(tf.float32, _blocks(rows), element_shape=shape, infer_shape=False)


def _in_blocks(rows: tf.Tensor, step: Any, *state: Any) -> Any:
    count = _blocks(rows)
    start = (tf.constant(0), *state)
    return tf.while_loop(lambda block, *_: block < count, step, start, parallel_iterations=1)
