"""Softmax cross-entropy of each row's positive against all candidates, in blocks of rows."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.softmax.candidates import Candidates
from easyrec_lite.losses.softmax.corrections import Corrections, hardest
from easyrec_lite.losses.softmax.spec import BLOCK_ROWS, PARALLEL_BLOCKS
from easyrec_lite.losses.weighting import weight_shares

# Below it a probability loses digits, and is 0 at last.
LEAST_PROBABILITY = 1e-30


def candidate_logits(user: tf.Tensor, items: tf.Tensor, candidates: Candidates) -> tf.Tensor:
    """Returns all logits `U Iᵀ` float32 [B, N], −inf where a candidate is masked.

    Args:
      user: float32 [B, D].
      items: float32 [N, D], the B positives first.
      candidates: the masks.
    """
    rows = tf.shape(user)[0]
    logits = tf.matmul(user, items, transpose_b=True)
    return _masked(logits, candidates, rows, tf.range(rows))


@LOSSES.implement("SOFTMAX_CROSS_ENTROPY")
def in_batch_softmax(
    user: tf.Tensor,
    items: tf.Tensor,
    candidates: Candidates = Candidates(),  # noqa: B008 - a tuple, never changed
    weights: tf.Tensor | None = None,
    corrections: Corrections = Corrections(),  # noqa: B008
) -> tf.Tensor:
    """Computes `Σ_i w_i · −log softmax(⟨u_i, I⟩)_i / Σ_i w_i`, a scalar.

    The [B, N] logits never exist whole: `BLOCK_ROWS` rows at a time are scored and their
    gradients taken at once, as in fused softmax losses. The row maximum is subtracted first, so
    that any temperature is safe. A masked candidate has probability exactly 0. `log_counts` are
    subtracted by the matrix product itself, as one more number of each vector.

    Args:
      user: float32 [B, D] user vectors, already scaled by 1/temperature.
      items: float32 [N, D] item vectors, the B positives first.
      candidates: the masks.
      weights: float32 [B] sample weights ≥ 0 without gradient, or None for equal ones.
      corrections: what happens to the logits.
    """
    if corrections.log_counts is not None:
        user = tf.pad(user, [[0, 0], [0, 1]], constant_values=1.0)
        items = tf.concat([items, -corrections.log_counts[:, None]], axis=1)
    shares = weight_shares(weights, tf.shape(user)[0])

    @tf.custom_gradient
    def loss(user: tf.Tensor, items: tf.Tensor) -> tuple[tf.Tensor, object]:
        with tf.name_scope("softmax"):
            value, user_gradient, items_gradient = _loss_and_gradients(
                user, items, candidates, shares, corrections
            )
        return value, lambda upstream: (upstream * user_gradient, upstream * items_gradient)

    return loss(user, items)


def _masked(
    logits: tf.Tensor, candidates: Candidates, rows: tf.Tensor, span: tf.Tensor
) -> tf.Tensor:
    masked = candidates.masked(rows, tf.shape(logits)[1], span)
    return logits if masked is None else tf.where(masked, float("-inf"), logits)


def _corrected(logits: tf.Tensor, corrections: Corrections, span: tf.Tensor) -> tf.Tensor:
    """Returns logits [b, N], from which `log_counts` are subtracted, as the softmax sees them."""
    positives = tf.stack([tf.range(tf.size(span)), span], axis=1)
    if corrections.log_counts is not None and not corrections.of_positive:
        back = tf.gather(corrections.log_counts, span)
        logits = tf.tensor_scatter_nd_add(logits, positives, back)
    return hardest(logits, positives, corrections.hardest) if corrections.hardest else logits


def _log_positives(logits: tf.Tensor, probabilities: tf.Tensor, span: tf.Tensor) -> tf.Tensor:
    """Returns `log P` of each row's positive, float32 [b].

    Only the rows where it is too small for P to hold it are computed from their logits.
    """
    found = tf.gather(probabilities, span, batch_dims=1)
    faint = tf.where(found < LEAST_PROBABILITY)
    rows = tf.gather(logits, faint[:, 0])
    positives = tf.gather(rows, tf.gather(span, faint[:, 0]), batch_dims=1)
    exact = positives - tf.reduce_logsumexp(rows, axis=1)
    return tf.tensor_scatter_nd_update(tf.math.log(found), faint, exact)


def _loss_and_gradients(
    user: tf.Tensor,
    items: tf.Tensor,
    candidates: Candidates,
    shares: tf.Tensor,
    corrections: Corrections,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the loss, and its gradients [B, D] and [N, D].

    With P the probabilities times the shares: ∂U = P·I − share·I₊ and ∂I = Pᵀ·U − share·U on
    the positives' rows; the terms in P are summed over the blocks, the others added at the end.
    """
    rows = tf.shape(user)[0]

    def step(
        start: tf.Tensor, loss: tf.Tensor, user_parts: tf.TensorArray, items_part: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray, tf.Tensor]:
        stop = tf.minimum(start + BLOCK_ROWS, rows)
        span = tf.range(start, stop)
        block, share = user[start:stop], shares[start:stop]
        logits = _masked(tf.matmul(block, items, transpose_b=True), candidates, rows, span)
        logits = _corrected(logits, corrections, span)
        probabilities = tf.nn.softmax(logits)
        loss -= tf.reduce_sum(share * _log_positives(logits, probabilities, span))
        pulled = tf.matmul(probabilities, items) * share[:, None]
        user_parts = user_parts.write(start // BLOCK_ROWS, pulled)
        items_part += tf.matmul(probabilities, block * share[:, None], transpose_a=True)
        return stop, loss, user_parts, items_part

    blocks = tf.math.floordiv(rows + BLOCK_ROWS - 1, BLOCK_ROWS)
    parts = tf.TensorArray(
        tf.float32, blocks, element_shape=[None, user.shape[1]], infer_shape=False
    )
    _, loss, parts, items_part = tf.while_loop(
        lambda start, *_: start < rows,
        step,
        (tf.constant(0), tf.constant(0.0), parts, tf.zeros_like(items)),
        parallel_iterations=PARALLEL_BLOCKS,
    )
    pulled_user = shares[:, None] * items[:rows]
    pulled_items = tf.pad(shares[:, None] * user, [[0, tf.shape(items)[0] - rows], [0, 0]])
    return loss, parts.concat() - pulled_user, items_part - pulled_items
