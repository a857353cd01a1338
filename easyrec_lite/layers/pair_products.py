"""Weighted sums of all products of two vectors' entries, in blocks of rows."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

# Smaller blocks are slower: their products no longer pay for the steps of the loop.
BLOCK_ROWS = 8192


def pair_products(left: tf.Tensor, right: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Computes `out[r, k] = Σ_ij left[r, i] · right[r, j] · weights[i·F + j, k]`.

    The products [R, H·F] never exist whole: `BLOCK_ROWS` rows at a time are multiplied, and again
    for the gradients, instead of keeping them.

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

    def step(start: tf.Tensor, parts: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        stop = tf.minimum(start + BLOCK_ROWS, rows)
        block = tf.matmul(_products(left[start:stop], right[start:stop]), weights)
        return stop, parts.write(start // BLOCK_ROWS, block)

    _, parts = _in_blocks(rows, step, _parts(rows, weights.shape[1]))
    return parts.concat()


def _gradients(
    left: tf.Tensor, right: tf.Tensor, weights: tf.Tensor, upstream: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    rows, shape = tf.shape(left)[0], [-1, left.shape[1], right.shape[1]]

    def step(
        start: tf.Tensor, lefts: tf.TensorArray, rights: tf.TensorArray, total: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        stop = tf.minimum(start + BLOCK_ROWS, rows)
        a, b, above = left[start:stop], right[start:stop], upstream[start:stop]
        total += tf.matmul(_products(a, b), above, transpose_a=True)
        pairs = tf.reshape(tf.matmul(above, weights, transpose_b=True), shape)
        lefts = lefts.write(start // BLOCK_ROWS, tf.reduce_sum(pairs * b[:, None, :], axis=2))
        rights = rights.write(start // BLOCK_ROWS, tf.reduce_sum(pairs * a[:, :, None], axis=1))
        return stop, lefts, rights, total

    parts = (_parts(rows, left.shape[1]), _parts(rows, right.shape[1]))
    _, lefts, rights, total = _in_blocks(rows, step, *parts, tf.zeros_like(weights))
    return lefts.concat(), rights.concat(), total


def _parts(rows: tf.Tensor, width: int) -> tf.TensorArray:
    blocks = (rows + BLOCK_ROWS - 1) // BLOCK_ROWS
    shape = [None, width]
    return tf.TensorArray(tf.float32, blocks, element_shape=shape, infer_shape=False)


def _in_blocks(rows: tf.Tensor, step: Any, *state: Any) -> Any:
    start = tf.constant(0)
    return tf.while_loop(lambda start, *_: start < rows, step, (start, *state))
