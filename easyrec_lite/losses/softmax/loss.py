"""Softmax cross-entropy of each row's positive against all candidates, in blocks of rows."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from easyrec_lite.losses.softmax.candidate_spec import BLOCK_ROWS, PARALLEL_BLOCKS
from easyrec_lite.losses.softmax.candidates import Candidates
from easyrec_lite.losses.softmax.corrections import Corrections, hardest
from easyrec_lite.losses.softmax.interests import max_scores, max_scores_and_winners
from easyrec_lite.losses.weighting import weight_shares

# Below it a probability loses digits, and is 0 at last.
LEAST_PROBABILITY = 1e-30
# Of b rows (their numbers, vectors and shares): the loss, and its gradients by their vectors [b, …]
# and by all items [N, D].
BlockLoss = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]


def candidate_logits(user: tf.Tensor, items: tf.Tensor, candidates: Candidates) -> tf.Tensor:
    """Returns all logits `U Iᵀ` float32 [B, N], −inf where a candidate is masked.

    Args:
      user: float32 [B, D], or [B, K, D] for the largest of K logits.
      items: float32 [N, D], the B positives first.
      candidates: the masks.
    """
    several = len(user.shape) == 3
    logits = max_scores(user, items) if several else tf.matmul(user, items, transpose_b=True)
    return masked_logits(logits, candidates)


def masked_logits(logits: tf.Tensor, candidates: Candidates) -> tf.Tensor:
    """Returns logits [B, N], −inf where a candidate is masked."""
    rows = tf.shape(logits)[0]
    return _masked(logits, candidates, rows, tf.range(rows))


def softmax_of_logits(
    logits: tf.Tensor,
    candidates: Candidates,
    weights: tf.Tensor | None = None,
    corrections: Corrections = Corrections(),  # noqa: B008 - a tuple, never changed
) -> tf.Tensor:
    """Computes the loss of `in_batch_softmax` from logits float32 [B, N] of any origin.

    The logits exist whole, and again for their gradients.
    """
    span = tf.range(tf.shape(logits)[0])
    if corrections.log_counts is not None:
        logits -= corrections.log_counts
    logits = _corrected(masked_logits(logits, candidates), corrections, span)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(span, logits)
    return tf.reduce_sum(weight_shares(weights, tf.size(span)) * losses)


def in_batch_softmax(
    user: tf.Tensor,
    items: tf.Tensor,
    candidates: Candidates = Candidates(),  # noqa: B008 - a tuple, never changed
    weights: tf.Tensor | None = None,
    corrections: Corrections = Corrections(),  # noqa: B008
) -> tf.Tensor:
    """Computes `Σ_i w_i · −log softmax(⟨u_i, I⟩)_i / Σ_i w_i`, a scalar.

    Where a user has K vectors, `max_k ⟨u_ik, I⟩` stands in place of `⟨u_i, I⟩`.

    The [B, N] logits never exist whole: `BLOCK_ROWS` rows at a time are scored and their gradients
    taken at once, as in fused softmax losses. The row maximum is subtracted first, so that any
    temperature is safe. A masked candidate has probability exactly 0. `log_counts` are subtracted
    by the matrix product itself, as one more number of each vector.

    Args:
      user: float32 [B, D] or [B, K, D] user vectors, already scaled by 1/temperature.
      items: float32 [N, D] item vectors, the B positives first.
      candidates: the masks.
      weights: float32 [B] sample weights ≥ 0 without gradient, or None for equal ones.
      corrections: what happens to the logits.
    """
    if corrections.log_counts is not None:
        user = tf.pad(user, [[0, 0]] * (len(user.shape) - 1) + [[0, 1]], constant_values=1.0)
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


def corrected_logits(
    logits: tf.Tensor,
    candidates: Candidates,
    corrections: Corrections,
    rows: tf.Tensor,
    span: tf.Tensor,
) -> tf.Tensor:
    """Returns logits [b, N], less `log_counts` already, masked and as a loss sees them.

    Args:
      logits: of a span of rows.
      candidates: the masks.
      corrections: what happens to the logits.
      rows: B.
      span: int32 [b], the numbers of consecutive rows.
    """
    return _corrected(_masked(logits, candidates, rows, span), corrections, span)


def _corrected(logits: tf.Tensor, corrections: Corrections, span: tf.Tensor) -> tf.Tensor:
    """Returns logits [b, N], from which `log_counts` are subtracted, as the softmax sees them."""
    positives = tf.stack([tf.range(tf.size(span)), span], axis=1)
    if corrections.log_counts is not None and not corrections.of_positive:
        back = tf.gather(corrections.log_counts, span)
        logits = tf.tensor_scatter_nd_add(logits, positives, back)
    return hardest(logits, positives, corrections.hardest) if corrections.hardest else logits


def log_positives(logits: tf.Tensor, probabilities: tf.Tensor, span: tf.Tensor) -> tf.Tensor:
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
    """Returns the loss, and its gradients [B, D] (or [B, K, D]) and [N, D]."""
    rows = tf.shape(user)[0]

    def corrected(logits: tf.Tensor, span: tf.Tensor) -> tf.Tensor:
        return corrected_logits(logits, candidates, corrections, rows, span)

    if len(user.shape) == 3:
        return in_blocks(user, items, shares, rows, _block_of_interests(items, corrected))
    loss, pulled_user, pulled_items = in_blocks(
        user, items, shares, rows, _block_of_vectors(items, corrected)
    )
    own_user = shares[:, None] * items[:rows]
    own_items = tf.pad(shares[:, None] * user, [[0, tf.shape(items)[0] - rows], [0, 0]])
    return loss, pulled_user - own_user, pulled_items - own_items


def in_blocks(
    user: tf.Tensor, items: tf.Tensor, shares: tf.Tensor, rows: tf.Tensor, block_loss: BlockLoss
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns `block_loss` of all rows: losses and items' gradients summed, users' joined.

    A `tf.while_loop` goes over `BLOCK_ROWS` rows at a time, so that no more than `PARALLEL_BLOCKS`
    blocks of logits exist at once.
    """

    def step(
        start: tf.Tensor, loss: tf.Tensor, user_parts: tf.TensorArray, items_part: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray, tf.Tensor]:
        stop = tf.minimum(start + BLOCK_ROWS, rows)
        span = tf.range(start, stop)
        more_loss, user_part, more_items = block_loss(span, user[start:stop], shares[start:stop])
        user_parts = user_parts.write(start // BLOCK_ROWS, user_part)
        return stop, loss - more_loss, user_parts, items_part + more_items

    blocks = tf.math.floordiv(rows + BLOCK_ROWS - 1, BLOCK_ROWS)
    parts = tf.TensorArray(
        tf.float32, blocks, element_shape=[None, *user.shape[1:]], infer_shape=False
    )
    _, loss, parts, items_part = tf.while_loop(
        lambda start, *_: start < rows,
        step,
        (tf.constant(0), tf.constant(0.0), parts, tf.zeros_like(items)),
        parallel_iterations=PARALLEL_BLOCKS,
    )
    return loss, parts.concat(), items_part


def _block_of_vectors(
    items: tf.Tensor, corrected: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
) -> BlockLoss:
    """Returns the loss of b rows with one user vector each, without the positives' own gradients.

    With P the probabilities times the shares: ∂U = P·I − share·I₊ and ∂I = Pᵀ·U − share·U on the
    positives' rows. Here are the terms in P; `_loss_and_gradients` adds the others once at the end.
    """

    def loss(
        span: tf.Tensor, block: tf.Tensor, share: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        logits = corrected(tf.matmul(block, items, transpose_b=True), span)
        probabilities = tf.nn.softmax(logits)
        value = tf.reduce_sum(share * log_positives(logits, probabilities, span))
        pulled = tf.matmul(probabilities, items) * share[:, None]
        more = tf.matmul(probabilities, block * share[:, None], transpose_a=True)
        return value, pulled, more

    return loss


def _block_of_interests(
    items: tf.Tensor, corrected: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
) -> BlockLoss:
    """Returns the loss of b rows with K user vectors each, with all of its gradients.

    1. A candidate's logit is the largest of its K inner products; the interest that gives it (the
       lowest of equal ones) wins the candidate.
    2. G [b, N]: the gradient by the logits, probabilities minus 1 at the positives, times shares.
    3. Of each interest k, as of one vector: W_k [b, N] is G where k won the candidate, else 0;
       ∂U_k = W_k·I, ∂I = Σ_k W_kᵀ·U_k.
    """

    def loss(
        span: tf.Tensor, block: tf.Tensor, share: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        scores, winners = max_scores_and_winners(block, items)
        logits = corrected(scores, span)
        probabilities = tf.nn.softmax(logits)
        value = tf.reduce_sum(share * log_positives(logits, probabilities, span))
        positives = tf.stack([tf.range(tf.size(span)), span], axis=1)
        minus = tf.fill([tf.size(span)], -1.0)
        slopes = tf.tensor_scatter_nd_add(probabilities, positives, minus) * share[:, None]
        pulled, more = [], []
        for interest, vectors in enumerate(tf.unstack(block, axis=1)):
            won = tf.where(winners == interest, slopes, 0.0)
            pulled.append(tf.matmul(won, items))
            more.append(tf.matmul(won, vectors, transpose_a=True))
        return value, tf.stack(pulled, axis=1), tf.add_n(more)

    return loss
