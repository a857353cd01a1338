"""Softmax cross-entropy of each row's positive against candidates that all rows share."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.losses.softmax.loss import BlockLoss, in_blocks, log_positives
from easyrec_lite.losses.weighting import weight_shares


def shared_softmax(
    user: tf.Tensor,
    positives: tf.Tensor,
    positive_ids: tf.Tensor,
    items: tf.Tensor,
    item_ids: tf.Tensor,
    weights: tf.Tensor | None = None,
    log_counts: tf.Tensor | None = None,
) -> tf.Tensor:
    """Computes `Σ_i w_i · −log(e^s_i / (e^s_i + Σ_j e^(⟨u_i, I_j⟩ − c_j))) / Σ_i w_i`, a scalar.

    s_i is ⟨u_i, p_i⟩, and j runs over the items with another id than the row's positive. With all
    items of a catalogue this is the softmax over the catalogue; with sampled ones, and the logs of
    their expected numbers as c, an estimate of it (Bengio and Senécal, 2008).

    The logits never exist whole: see `in_batch_softmax`.

    Args:
      user: float32 [P, D], already scaled by 1/temperature.
      positives: float32 [P, D], the vectors of the rows' own items.
      positive_ids: int64 [P], their ids.
      items: float32 [N, D].
      item_ids: int64 [N].
      weights: float32 [P] ≥ 0 without gradient, or None for equal ones.
      log_counts: float32 [N], c; None: 0.
    """
    shares = weight_shares(weights, tf.shape(user)[0])
    if log_counts is not None:
        user = tf.pad(user, [[0, 0], [0, 1]], constant_values=1.0)
        positives = tf.pad(positives, [[0, 0], [0, 1]])
        items = tf.concat([items, -log_counts[:, None]], axis=1)

    @tf.custom_gradient
    def loss(both: tf.Tensor, items: tf.Tensor) -> tuple[tf.Tensor, object]:
        with tf.name_scope("softmax"):
            block = _block(items, positive_ids, item_ids)
            rows = tf.shape(both)[0]
            value, rows_gradient, items_gradient = in_blocks(both, items, shares, rows, block)
        return value, lambda upstream: (upstream * rows_gradient, upstream * items_gradient)

    return loss(tf.concat([user, positives], axis=1), items)


def _block(items: tf.Tensor, positive_ids: tf.Tensor, item_ids: tf.Tensor) -> BlockLoss:
    """Returns the loss of b rows [user vector, positive's vector], with all of its gradients.

    1. Logits [b, 1 + N]: the positive's, then the items', −inf for those with the positive's id.
    2. G [b, 1 + N]: the gradient by the logits, probabilities less 1 at the positive, times shares.
    3. ∂u = G₀·p + G₊·I, ∂p = G₀·u, ∂I = G₊ᵀ·u.
    """

    def loss(
        span: tf.Tensor, block: tf.Tensor, share: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        user, positive = tf.split(block, 2, axis=1)
        same = tf.gather(positive_ids, span)[:, None] == item_ids[None, :]
        others = tf.matmul(user, items, transpose_b=True)
        others = tf.where(same, float("-inf"), others)
        own = tf.reduce_sum(user * positive, axis=1, keepdims=True)
        logits = tf.concat([own, others], axis=1)
        probabilities = tf.nn.softmax(logits)
        value = tf.reduce_sum(share * log_positives(logits, probabilities, tf.zeros_like(span)))
        slopes = probabilities[:, 1:] * share[:, None]
        slope = (probabilities[:, :1] - 1) * share[:, None]
        pulled = slope * positive + tf.matmul(slopes, items)
        gradients = tf.concat([pulled, slope * user], axis=1)
        return value, gradients, tf.matmul(slopes, user, transpose_a=True)

    return loss
