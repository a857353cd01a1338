"""Which candidates compete with a row's positive: the masks of in-batch negatives."""

from __future__ import annotations

import functools
from typing import NamedTuple

import tensorflow as tf

from easyrec_lite.core import replicas
from easyrec_lite.losses.softmax.own_items import OwnItems


class Candidates(NamedTuple):
    """Masks over N candidates: the positives of all B rows, then n sampled items.

    Candidates of other replicas may follow, all of which compete but those masked by `ids`.

    Row i's positive is candidate i, and is never masked.

    Attributes:
      in_batch: whether other rows' positives compete at all.
      ids: int32 [N], equal for equal items; a candidate of the row's own item does not compete.
        Sampled items may be −1, never masked by their item. None: no such mask.
      hard_pairs: int64 [H, 2] of (row in B, sampled item in n). A sampled item in any pair is a
        hard negative: it competes in the rows that it is paired with, in no other. None: the
        sampled items all compete in every row.
      sessions: int32 [B], equal for the rows of one session; they are not each other's negatives.
        None: no such mask.
      own_items: candidates that the row's user has elsewhere in its sequence; they do not compete.
        None: no such mask.
    """

    in_batch: bool = True
    ids: tf.Tensor | None = None
    hard_pairs: tf.Tensor | None = None
    sessions: tf.Tensor | None = None
    own_items: OwnItems | None = None

    def masked(self, rows: tf.Tensor, columns: tf.Tensor, span: tf.Tensor) -> tf.Tensor | None:
        """Returns which candidates do not compete in a span of rows.

        Args:
          rows: B.
          columns: N.
          span: int32 [b], the numbers of consecutive rows.

        Returns:
          bool [b, N], or None when every candidate competes in every row.
        """
        column = tf.range(columns)[None, :]
        masks = []
        if not self.in_batch:
            masks.append(column < rows)
        if self.ids is not None:
            masks.append(tf.gather(self.ids, span)[:, None] == self.ids[None, :])
        if self.sessions is not None:
            mates = tf.gather(self.sessions, span)[:, None] == self.sessions[None, :]
            masks.append(tf.pad(mates, [[0, 0], [0, columns - rows]]))
        if self.own_items is not None:
            masks.append(self.own_items.masked(span))
        if self.hard_pairs is not None:
            masks.append(self._others_hard_negatives(rows, columns, span))
        if not masks:
            return None
        return functools.reduce(tf.logical_or, masks) & (column != span[:, None])

    def _others_hard_negatives(
        self, rows: tf.Tensor, columns: tf.Tensor, span: tf.Tensor
    ) -> tf.Tensor:
        """Returns bool [b, N]: hard negatives, but for those of the row itself."""
        assert self.hard_pairs is not None
        pairs = tf.add(tf.cast(self.hard_pairs, tf.int32), [[0, rows]])
        hard = _marks(pairs[:, 1:], columns[None])
        inside = (pairs[:, 0] >= span[0]) & (pairs[:, 0] <= span[-1])
        paired = tf.boolean_mask(pairs, inside) - [[span[0], 0]]
        return hard[None, :] & ~_marks(paired, tf.stack([tf.size(span), columns]))


def _marks(indices: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
    """Returns a bool tensor of `shape`, true at `indices` [H, rank]."""
    return tf.scatter_nd(indices, tf.ones_like(indices[:, 0]), shape) > 0


def item_numbers(ids: tf.Tensor, sampled_ids: tf.Tensor | None, n: tf.Tensor) -> tf.Tensor:
    """Returns int32 [N] numbers that are equal where item ids are, for `Candidates.ids`.

    Args:
      ids: [B] raw item ids, strings or integers.
      sampled_ids: [n] raw item ids of the sampled items, or None to leave those out (−1).
      n: the number of sampled items.
    """
    if sampled_ids is None:
        return tf.concat([tf.unique(ids).idx, tf.fill([n], -1)], axis=0)
    if ids.dtype != sampled_ids.dtype:
        ids, sampled_ids = (_as_string(tensor) for tensor in (ids, sampled_ids))
    return tf.unique(tf.concat([ids, sampled_ids], axis=0)).idx


def gathered_numbers(
    ids: tf.Tensor, sampled_ids: tf.Tensor | None, n: tf.Tensor, sent: tf.Tensor
) -> tf.Tensor:
    """Returns the numbers of this replica's N candidates and of those that others send, int32.

    Equal where item ids are, by a hash of 63 bits; as `item_numbers`, but that left-out sampled
    items have one number that no row has.

    Args:
      ids, sampled_ids, n: as of `item_numbers`.
      sent: bool [N], the candidates that the other replicas get.
    """
    sampled = tf.fill([n], tf.constant(-1, tf.int64))
    if sampled_ids is not None:
        sampled = _hashed(sampled_ids)
    numbers = tf.concat([_hashed(ids), sampled], axis=0)
    return tf.unique(with_others(numbers, sent)).idx


def with_others(values: tf.Tensor, sent: tf.Tensor) -> tf.Tensor:
    """Returns the values [N, ...] of this replica's candidates, then those that others send.

    Gradients reach the replica that a value is from.

    Args:
      values: of this replica's candidates.
      sent: bool [N], which of them the other replicas get.
    """
    mine = tf.boolean_mask(values, sent)
    gather = replicas.gathered_with_gradient if values.dtype.is_floating else replicas.gathered
    return tf.concat([values, gather(mine)[tf.shape(mine)[0] :]], axis=0)


def _hashed(ids: tf.Tensor) -> tf.Tensor:
    return tf.strings.to_hash_bucket_fast(_as_string(ids), 2**63 - 1)


def _as_string(tensor: tf.Tensor) -> tf.Tensor:
    return tensor if tensor.dtype == tf.string else tf.strings.as_string(tensor)
