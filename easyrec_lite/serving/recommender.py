"""The recommender SavedModel: raw user columns in, the exact K best of M items out."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from easyrec_lite.data.samplers.catalogue import IdIndex
from easyrec_lite.losses.softmax.interests import interest_scores, max_scores, nearest_interests
from easyrec_lite.models.retrieval.task import USER_VECTORS, Combine
from easyrec_lite.serving.signatures import UNREADABLE, ServedFunction, Tensors

NAME = "recommender"
SEEN, K = "seen_item_ids", "k"
INTERESTS = "interests"
FEW = 10
# The number of scores that exist at once: 64 MB.
CELLS = 1 << 24
# Lists are padded up to this length, or the number of items; a larger K is cut.
LONGEST_PADDED = 1024


class Recommender(tf.Module):
    """Recommends M items to users, who are given by the raw columns of the user side.

    A score is the inner product of a user's and an item's exported vectors: for COSINE their
    cosine. Of a user with several vectors it is the largest one, or what the model combines of
    them. Equal scores come in the item table's order. Where fewer than K items are left, the
    rest of the row is '' with score -inf. K is cut to
    M or 1,024, whichever is more.

    Args:
      user: the user tower.
      ids: text, object [M].
      vectors: float32 [M, D].
      combine: how the scores of several interests become one; None: the largest.

    Attributes:
      signature: user columns, `seen_item_ids` string [B, S] padded with '' (or [1, 0] for none;
        unknown ids are allowed), `k` int32 scalar ≥ 1 → `item_ids` string [B, K] and `scores`
        float32 [B, K], the best first; where users have several vectors also `interests` int32
        [B, K], the number of the vector in `user_tower_emb` that is nearest to the item, from 0.
      top_10: the same for user columns alone, K = 10.
      counted: `signature`, with `unreadable` int32 [B] as of `ServedFunction.unreadable`.
    """

    def __init__(
        self,
        user: ServedFunction,
        ids: np.ndarray,
        vectors: np.ndarray,
        combine: Combine | None = None,
    ):
        super().__init__()
        self._user, self._combine = user, combine
        self._ids = tf.constant(ids)
        self._rows = IdIndex(self._ids)
        self._vectors = tf.Variable(vectors, trainable=False, name="item_vectors")
        columns = user.signature.structured_input_signature[1]
        seen = tf.TensorSpec([None, None], tf.string, SEEN)
        count = tf.TensorSpec([], tf.int32, K)
        recommend = tf.function(self._recommend, autograph=False)
        few = tf.function(self._recommend_few, autograph=False)
        self.signature = recommend.get_concrete_function(**columns, **{SEEN: seen, K: count})
        self.top_10 = few.get_concrete_function(**columns)
        counted = tf.function(self._recommend_counted, autograph=False)
        self.counted = counted.get_concrete_function(**columns, **{SEEN: seen, K: count})

    def _recommend_counted(self, **inputs: tf.Tensor) -> Tensors:
        columns = {name: value for name, value in inputs.items() if name not in (SEEN, K)}
        return {**self.signature(**inputs), UNREADABLE: self._user.unreadable(columns)}

    def _recommend_few(self, **columns: tf.Tensor) -> Tensors:
        nothing = tf.zeros([1, 0], tf.string)
        return self._recommend(seen_item_ids=nothing, k=tf.constant(FEW), **columns)

    def _recommend(
        self, *, seen_item_ids: tf.Tensor, k: tf.Tensor, **columns: tf.Tensor
    ) -> Tensors:
        users = self._user.signature(**columns)[USER_VECTORS]
        pairs = self._known(seen_item_ids, tf.shape(users)[0])
        with tf.control_dependencies([tf.debugging.assert_positive(k, "k must be at least 1")]):
            # Many more than there are items would take memory and time for nothing.
            most = tf.minimum(k, tf.maximum(tf.shape(self._vectors)[0], LONGEST_PADDED))
        scores, rows = best_items(users, self._vectors, pairs, most, combine=self._combine)
        rows = tf.maximum(rows, 0)
        ids = tf.where(scores == -np.inf, "", tf.gather(self._ids, rows))
        best = {"item_ids": tf.identity(ids, "item_ids"), "scores": tf.identity(scores, "scores")}
        if len(users.shape) == 3:
            interests = nearest_interests(users, tf.gather(self._vectors, rows))
            best[INTERESTS] = tf.identity(interests, INTERESTS)
        return best

    def _known(self, seen: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
        """Returns int64 [P, 2], (row in B, item) of the ids in `seen` that are known."""
        fits = tf.logical_or(tf.shape(seen)[0] == batch, tf.shape(seen)[1] == 0)
        message = "seen_item_ids must have as many rows as there are users"
        with tf.control_dependencies([tf.debugging.Assert(fits, [message, tf.shape(seen)])]):
            items = self._rows(seen)
        places = tf.where(items >= 0)
        return tf.stack([places[:, 0], tf.gather_nd(items, places)], axis=1)


def best_items(
    users: tf.Tensor,
    items: tf.Tensor,
    excluded: tf.Tensor,
    k: tf.Tensor,
    cells: int = CELLS,
    combine: Combine | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the K best of M items for each user by inner product, over the items in blocks.

    Each block's scores are joined to the K best so far, and the K best of those kept. The best so
    far stand first, so that of equal scores, which `top_k` takes in their order, the earlier item's
    is kept.

    Args:
      users: float32 [B, D], or [B, H, D] of H interests each.
      items: float32 [M, D].
      excluded: int64 [P, 2], pairs (user, item) to leave out.
      k: int32 scalar K.
      cells: the largest number of scores at once; a block has at least one item.
      combine: makes the scores [B, m] of H interests' [B, H, m]; None: the largest.

    Returns:
      Scores float32 [B, K], the largest first, and items int32 [B, K]; equal scores come in the
      items' order. What is missing to K has score -inf, whatever item is named with it.
    """
    batch, count = tf.shape(users)[0], tf.shape(items)[0]
    several = len(users.shape) == 3
    block = tf.maximum(cells // tf.maximum(batch * (users.shape[1] if several else 1), 1), 1)

    def scored(some: tf.Tensor) -> tf.Tensor:
        if not several:
            return tf.matmul(users, some, transpose_b=True)
        return combine(interest_scores(users, some)) if combine else max_scores(users, some)

    def merge(start: tf.Tensor, best: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        end = start + tf.minimum(block, count - start)
        scores = _without(scored(items[start:end]), excluded, start, end)
        # `at` < K points at one of the best so far, else at an item of this block.
        best, at = tf.math.top_k(tf.concat([best, scores], axis=1), k)
        earlier = tf.gather(rows, tf.minimum(at, k - 1), batch_dims=1)
        return end, best, tf.where(at < k, earlier, start + at - k)

    _, best, rows = tf.while_loop(
        lambda start, *_: start < count,
        merge,
        (tf.constant(0), tf.fill([batch, k], -np.inf), tf.fill([batch, k], -1)),
        (tf.TensorShape([]), tf.TensorShape([None, None]), tf.TensorShape([None, None])),
    )
    return best, rows


def _without(scores: tf.Tensor, excluded: tf.Tensor, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """Returns the scores of items [start, end), −inf for the pairs in `excluded`."""
    first, item = tf.cast(start, tf.int64), excluded[:, 1]
    inside = tf.logical_and(item >= first, item < tf.cast(end, tf.int64))
    places = tf.boolean_mask(excluded, inside) - tf.stack([tf.zeros_like(first), first])
    return tf.tensor_scatter_nd_update(
        scores, places, tf.fill([tf.shape(places)[0]], tf.constant(-np.inf, scores.dtype))
    )


def clashes(user: ServedFunction) -> list[str]:
    """Returns the user columns that are named like another input of the recommender."""
    return [name for name in (SEEN, K) if name in user.columns.values()]
