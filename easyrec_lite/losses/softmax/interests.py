"""K vectors a user, one for each interest: an item's score is its largest inner product with them.

As in Cen et al., Controllable multi-interest framework for recommendation (ComiRec), KDD 2020.
"""

from __future__ import annotations

import tensorflow as tf


def interest_scores(users: tf.Tensor, items: tf.Tensor) -> tf.Tensor:
    """Returns the inner products of users' interests and items, float32 [B, K, N].

    They are one product of [B·K, D] with the items: `tf.matmul` of rank 3 would copy the items for
    each user.

    Args:
      users: float32 [B, K, D].
      items: float32 [N, D].
    """
    _, interests, width = users.shape
    flat = tf.matmul(tf.reshape(users, [-1, width]), items, transpose_b=True)
    return tf.reshape(flat, [-1, interests, tf.shape(items)[0]])


def max_scores(users: tf.Tensor, items: tf.Tensor) -> tf.Tensor:
    """Returns `max_k ⟨u_k, i⟩`, float32 [B, N], of users [B, K, D] and items [N, D]."""
    first, *others = tf.unstack(users, axis=1)
    scores = tf.matmul(first, items, transpose_b=True)
    for user in others:
        scores = tf.maximum(scores, tf.matmul(user, items, transpose_b=True))
    return scores


def max_scores_and_winners(users: tf.Tensor, items: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns `max_scores`, and which interest gives each, the lowest of equal ones, int32 [B, N].

    One interest after another is compared with the best so far: a maximum over an axis of [B, K, N]
    takes several times as long, and K times the memory.
    """
    first, *others = tf.unstack(users, axis=1)
    scores = tf.matmul(first, items, transpose_b=True)
    winners = tf.zeros_like(scores, tf.int32)
    for interest, user in enumerate(others, 1):
        more = tf.matmul(user, items, transpose_b=True)
        winners = tf.where(more > scores, interest, winners)
        scores = tf.maximum(scores, more)
    return scores, winners


def nearest_interests(users: tf.Tensor, items: tf.Tensor) -> tf.Tensor:
    """Returns which interest is nearest to each item, the lowest of equal ones, int32 [B, R].

    Args:
      users: float32 [B, K, D].
      items: float32 [B, R, D], R items for each user.
    """
    scores = tf.matmul(items, users, transpose_b=True)
    return tf.argmax(scores, axis=-1, output_type=tf.int32)


def repeat_first(vectors: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """Returns vectors [B, K, D] with copies of each user's first from place `counts` [B] on."""
    missing = tf.range(tf.shape(vectors)[1])[None, :] >= tf.cast(counts, tf.int32)[:, None]
    return tf.where(missing[:, :, None], vectors[:, :1], vectors)
