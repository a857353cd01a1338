"""Losses of a row's positive against the candidates of its batch, in blocks of rows.

`CandidateLoss.rows` defines the loss of a row and its slopes by the logits. The rest is computed
here, without the [B, N] logits as a whole:

1. A block of rows is scored: logits [b, N], masked and corrected as those of the softmax.
2. The positive is set apart from the row's negatives; `rows` returns losses [b] and slopes.
3. ∂U = slopes · I, and ∂I = slopesᵀ · U, summed over the blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from easyrec_lite.losses.softmax.candidates import Candidates
from easyrec_lite.losses.softmax.corrections import Corrections
from easyrec_lite.losses.softmax.interests import max_scores_and_winners
from easyrec_lite.losses.softmax.loss import BlockLoss, corrected_logits, in_blocks
from easyrec_lite.losses.softmax.own_items import OwnItems
from easyrec_lite.losses.weighting import weight_shares

MASKED = float("-inf")


class RowLosses(NamedTuple):
    """The losses of b rows, and their slopes.

    Attributes:
      values: float32 [b].
      own: float32 [b], the derivatives by the positives' logits.
      negatives: float32 [b, M], those by the negatives' logits; 0 for a masked one.
    """

    values: tf.Tensor
    own: tf.Tensor
    negatives: tf.Tensor


class CandidateLoss:
    """A loss in which the positive of each row competes with negatives that rows share.

    A row without negatives has the positive's part of the loss alone.

    Args:
      params: the loss's message; None for its defaults.
      temperature: the model's temperature.

    Attributes:
      scaled: whether it reads logits, rather than similarities before the temperature.
      shifted: whether adding one number to all logits of a row changes it.
    """

    scaled = True
    shifted = False

    def __init__(self, params: Any, temperature: float):
        self.params = params
        self.temperature = temperature

    def rows(self, own: tf.Tensor, negatives: tf.Tensor) -> RowLosses:
        """Returns the losses of b rows.

        Args:
          own: float32 [b], the logits of the positives.
          negatives: float32 [b, M], those of the negatives, −inf where one does not compete.
        """
        raise NotImplementedError

    def positives(
        self, own: tf.Tensor, weights: tf.Tensor | None, sessions: tf.Tensor | None
    ) -> tf.Tensor | None:
        """Returns the part of the loss that reads all positives, float32 [B]; None: there is none.

        Args:
          own: float32 [B], the logits of the positives.
          weights: float32 [B] sample weights, or None.
          sessions: int32 [B], equal for the rows of one session, or None.
        """
        return None

    def in_batch(
        self,
        user: tf.Tensor,
        items: tf.Tensor,
        candidates: Candidates = Candidates(),  # noqa: B008 - a tuple, never changed
        weights: tf.Tensor | None = None,
        corrections: Corrections = Corrections(),  # noqa: B008
        sessions: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Computes `Σ_i w_i · loss_i / Σ_i w_i`, a scalar, of rows whose positive is candidate i.

        Args:
          user: float32 [B, D], or [B, K, D] for the largest of K logits; scaled if the loss is.
          items: float32 [N, D], the B positives first.
          candidates: the masks.
          weights: float32 [B] sample weights ≥ 0 without gradient, or None for equal ones.
          corrections: of negatives' logits; those of the positives are not corrected.
          sessions: int32 [B], equal for the rows of one session, or None.
        """
        rows = tf.shape(user)[0]
        shares = weight_shares(weights, rows)
        corrections = corrections._replace(of_positive=False)
        own = tf.slice(items, [0, 0], [rows, items.shape[-1]])
        more = self._more(shares, _own_logits(user, own), weights, sessions)
        candidates = candidates._replace(sessions=sessions)
        if corrections.log_counts is not None:
            user = tf.pad(user, [[0, 0]] * (len(user.shape) - 1) + [[0, 1]], constant_values=1.0)
            items = tf.concat([items, -corrections.log_counts[:, None]], axis=1)

        @tf.custom_gradient
        def loss(user: tf.Tensor, items: tf.Tensor) -> tuple[tf.Tensor, object]:
            def corrected(logits: tf.Tensor, span: tf.Tensor) -> tf.Tensor:
                return corrected_logits(logits, candidates, corrections, rows, span)

            with tf.name_scope("candidate_loss"):
                block = self._block(items, corrected)
                value, by_user, by_items = in_blocks(user, items, shares, rows, block)
            return value, lambda upstream: (upstream * by_user, upstream * by_items)

        return loss(user, items) + more

    def of_logits(
        self,
        logits: tf.Tensor,
        candidates: Candidates,
        weights: tf.Tensor | None = None,
        corrections: Corrections = Corrections(),  # noqa: B008
        sessions: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Computes the loss of `in_batch` from logits float32 [B, N] of any origin."""
        span = tf.range(tf.shape(logits)[0])
        shares = weight_shares(weights, tf.size(span))
        corrections = corrections._replace(of_positive=False)
        own = tf.gather(logits, span, batch_dims=1)
        more = self._more(shares, own, weights, sessions)
        candidates = candidates._replace(sessions=sessions)
        if corrections.log_counts is not None:
            logits -= corrections.log_counts
        logits = corrected_logits(logits, candidates, corrections, tf.size(span), span)

        @tf.custom_gradient
        def loss(logits: tf.Tensor) -> tuple[tf.Tensor, object]:
            losses, slopes = self._slopes(logits, span, shares)
            return tf.reduce_sum(shares * losses), lambda upstream: upstream * slopes

        return loss(logits) + more

    def shared(
        self,
        user: tf.Tensor,
        positives: tf.Tensor,
        positive_ids: tf.Tensor,
        items: tf.Tensor,
        item_ids: tf.Tensor,
        weights: tf.Tensor | None = None,
        log_counts: tf.Tensor | None = None,
        sessions: tf.Tensor | None = None,
        own_items: OwnItems | None = None,
    ) -> tf.Tensor:
        """Computes the loss of P rows whose negatives are the items with other ids, a scalar.

        With all items of a catalogue the softmax is the one over the catalogue; with sampled ones,
        and the logs of their expected numbers, an estimate of it (Bengio and Senécal, 2008).

        Args:
          user: float32 [P, D], scaled if the loss is.
          positives: float32 [P, D], the vectors of the rows' own items.
          positive_ids: int64 [P], their ids.
          items: float32 [N, D].
          item_ids: int64 [N].
          weights: float32 [P] ≥ 0 without gradient, or None for equal ones.
          log_counts: float32 [N], subtracted from the items' logits; None: 0.
          sessions: int32 [P], equal for the rows of one session, or None.
          own_items: further items that are none of a row's negatives, or None.
        """
        rows = tf.shape(user)[0]
        shares = weight_shares(weights, rows)
        more = self._more(shares, _own_logits(user, positives), weights, sessions)
        if log_counts is not None:
            user = tf.pad(user, [[0, 0], [0, 1]], constant_values=1.0)
            positives = tf.pad(positives, [[0, 0], [0, 1]])
            items = tf.concat([items, -log_counts[:, None]], axis=1)

        @tf.custom_gradient
        def loss(both: tf.Tensor, items: tf.Tensor) -> tuple[tf.Tensor, object]:
            with tf.name_scope("candidate_loss"):
                block = self._shared_block(items, positive_ids, item_ids, own_items)
                value, by_both, by_items = in_blocks(both, items, shares, rows, block)
            return value, lambda upstream: (upstream * by_both, upstream * by_items)

        return loss(tf.concat([user, positives], axis=1), items) + more

    def _more(
        self,
        shares: tf.Tensor,
        own: tf.Tensor,
        weights: tf.Tensor | None,
        sessions: tf.Tensor | None,
    ) -> tf.Tensor:
        losses = self.positives(own, weights, sessions)
        return tf.constant(0.0) if losses is None else tf.reduce_sum(shares * losses)

    def _slopes(
        self, logits: tf.Tensor, span: tf.Tensor, share: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the losses [b] of rows with logits [b, N], and their slopes [b, N] times shares.

        Args:
          logits: float32 [b, N], masked and corrected.
          span: int32 [b], where the positive of each row stands.
          share: float32 [b].
        """
        places = tf.stack([tf.range(tf.size(span)), span], axis=1)
        own = tf.gather_nd(logits, places)
        apart = tf.fill(tf.shape(own), MASKED)
        losses = self.rows(own, tf.tensor_scatter_nd_update(logits, places, apart))
        slopes = losses.negatives * share[:, None]
        return losses.values, tf.tensor_scatter_nd_update(slopes, places, losses.own * share)

    def _block(
        self, items: tf.Tensor, corrected: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    ) -> BlockLoss:
        """Returns the loss of b rows with one user vector each, or several, with its gradients."""

        def loss(
            span: tf.Tensor, block: tf.Tensor, share: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            if len(block.shape) == 2:
                logits = corrected(tf.matmul(block, items, transpose_b=True), span)
                losses, slopes = self._slopes(logits, span, share)
                value = -tf.reduce_sum(share * losses)
                return value, tf.matmul(slopes, items), tf.matmul(slopes, block, transpose_a=True)
            scores, winners = max_scores_and_winners(block, items)
            losses, slopes = self._slopes(corrected(scores, span), span, share)
            pulled, moved = [], []
            for interest, vectors in enumerate(tf.unstack(block, axis=1)):
                won = tf.where(winners == interest, slopes, 0.0)
                pulled.append(tf.matmul(won, items))
                moved.append(tf.matmul(won, vectors, transpose_a=True))
            value = -tf.reduce_sum(share * losses)
            return value, tf.stack(pulled, axis=1), tf.add_n(moved)

        return loss

    def _shared_block(
        self,
        items: tf.Tensor,
        positive_ids: tf.Tensor,
        item_ids: tf.Tensor,
        own_items: OwnItems | None,
    ) -> BlockLoss:
        """Returns the loss of b rows [user vector, positive's vector], with its gradients."""

        def loss(
            span: tf.Tensor, block: tf.Tensor, share: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            user, positive = tf.split(block, 2, axis=1)
            same = tf.gather(positive_ids, span)[:, None] == item_ids[None, :]
            if own_items is not None:
                same |= own_items.masked(span)
            negatives = tf.where(same, MASKED, tf.matmul(user, items, transpose_b=True))
            losses = self.rows(tf.reduce_sum(user * positive, axis=1), negatives)
            slopes = losses.negatives * share[:, None]
            own = (losses.own * share)[:, None]
            pulled = own * positive + tf.matmul(slopes, items)
            gradients = tf.concat([pulled, own * user], axis=1)
            value = -tf.reduce_sum(share * losses.values)
            return value, gradients, tf.matmul(slopes, user, transpose_a=True)

        return loss


def _own_logits(user: tf.Tensor, own: tf.Tensor) -> tf.Tensor:
    """Returns [B], the logits of users [B, D] or [B, K, D] and their positives [B, D]."""
    if len(user.shape) == 2:
        return tf.reduce_sum(user * own, axis=-1)
    return tf.reduce_max(tf.reduce_sum(user * own[:, None], axis=-1), axis=-1)


def count_of(negatives: tf.Tensor) -> tf.Tensor:
    """Returns float32 [b], how many of [b, M] negatives compete."""
    return tf.math.count_nonzero(negatives > MASKED, axis=1, dtype=tf.float32)


def log_sum_exp(negatives: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns `log Σ exp` of rows [b, M], and its slopes [b, M]; both 0 in a row of −inf alone."""
    top = tf.reduce_max(negatives, axis=1, keepdims=True)
    top = tf.where(top > MASKED, top, 0.0)
    powers = tf.exp(negatives - top)
    total = tf.reduce_sum(powers, axis=1, keepdims=True)
    logs = tf.where(total > 0, top + tf.math.log(total), 0.0)
    return logs[:, 0], tf.math.divide_no_nan(powers, total)
