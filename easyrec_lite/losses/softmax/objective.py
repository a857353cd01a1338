"""The softmax as one of the losses over candidates."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.softmax.blocked import CandidateLoss, RowLosses
from easyrec_lite.losses.softmax.loss import in_batch_softmax, log_positives, softmax_of_logits


@LOSSES.implement("SOFTMAX_CROSS_ENTROPY")
class Softmax(CandidateLoss):
    """`−log softmax` of the positive.

    Within a batch, the positive's logit is corrected too, and its own forms need fewer operations
    than those of a loss with any slopes.
    """

    def rows(self, own: tf.Tensor, negatives: tf.Tensor) -> RowLosses:
        """Returns the losses of b rows, `−log(e^s₊ / (e^s₊ + Σ_j e^s_j))`."""
        logits = tf.concat([own[:, None], negatives], axis=1)
        probabilities = tf.nn.softmax(logits)
        values = -log_positives(logits, probabilities, tf.zeros([tf.size(own)], tf.int32))
        return RowLosses(values, probabilities[:, 0] - 1, probabilities[:, 1:])

    def in_batch(self, user: tf.Tensor, items: tf.Tensor, *more: Any) -> tf.Tensor:
        """Returns `in_batch_softmax`; sessions have no effect."""
        return in_batch_softmax(user, items, *more[:3])

    def of_logits(self, logits: tf.Tensor, *more: Any) -> tf.Tensor:
        """Returns `softmax_of_logits`; sessions have no effect."""
        return softmax_of_logits(logits, *more[:3])
