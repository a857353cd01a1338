"""Masks of items that a user has elsewhere in its sequence: they are none of its negatives."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class OwnItems(NamedTuple):
    """The candidates that are items of a row's user.

    Attributes:
      users: int32 [P], the user of each row, in ascending order.
      numbers: int32 [N], equal for candidates with equal ids, from 0.
      pairs: int32 [H, 2] of a user and the number of one of its items; pairs may repeat.
      count: int32 scalar, how many different numbers there are.

    Example:
      >>> history = tf.ragged.constant([[7, 9], [8]], dtype=tf.int64)
      >>> own = OwnItems.among(tf.constant([9, 8, 9], tf.int64), history, tf.constant([0, 0, 1]))
      >>> own.masked(tf.constant([1, 2])).numpy().tolist()
      [[True, False, True], [False, True, False]]
    """

    users: tf.Tensor
    numbers: tf.Tensor
    pairs: tf.Tensor
    count: tf.Tensor

    @classmethod
    def among(cls, ids: tf.Tensor, items: tf.RaggedTensor, users: tf.Tensor) -> OwnItems:
        """Returns the candidates with ids int64 [N] that are items of users.

        Args:
          ids: int64 [N].
          items: int64 [U, (L)], the ids of each user's items; one below 0 is unknown, no item.
          users: int32 [P], ascending, the user of each row.
        """
        numbers = tf.unique(tf.concat([ids, items.flat_values], axis=0)).idx
        candidates, owned = tf.split(numbers, [tf.size(ids), tf.size(items.flat_values)])
        # Numbers are given in order of first occurrence, so those of candidates come first.
        count = tf.maximum(tf.reduce_max(candidates), -1) + 1
        known = (owned < count) & (items.flat_values >= 0)
        pairs = tf.stack([tf.cast(items.value_rowids(), tf.int32), owned], axis=1)
        return cls(users, candidates, tf.boolean_mask(pairs, known), count)

    def masked(self, span: tf.Tensor) -> tf.Tensor:
        """Returns which candidates are items of the users of some rows, bool [b, N].

        One row of marks is made for each user of the rows, not for each row.

        Args:
          span: int32 [b], the numbers of consecutive rows.
        """
        users = tf.gather(self.users, span)
        first, last = users[0], users[-1]
        inside = (self.pairs[:, 0] >= first) & (self.pairs[:, 0] <= last)
        places = tf.boolean_mask(self.pairs, inside) - tf.stack([first, 0])
        shape = tf.stack([last - first + 1, self.count])
        marks = tf.scatter_nd(places, tf.ones_like(places[:, 0]), shape) > 0
        return tf.gather(tf.gather(marks, self.numbers, axis=1), users - first)
