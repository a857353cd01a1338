"""The softmax with a temperature of its own for the positives of a user.

Wu et al., BSL: Understanding and improving softmax loss for recommendation, ICDE 2024.
"""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.softmax.blocked import CandidateLoss, RowLosses, log_sum_exp


@LOSSES.implement("BILATERAL_SOFTMAX_LOSS")
class BilateralSoftmax(CandidateLoss):
    """`−ρ log E_p[exp(s_p / ρ)] + log Σ_j exp(s_j)`, ρ = τ₊ / τ, with logits s = f / τ.

    p are the positives of the row's session in the batch, weighted by sample weights; j are the
    negatives. Times τ it is the paper's `−τ₊ log E exp(f_p / τ₊) + τ log Σ exp(f_j / τ)`.
    """

    def rows(self, own: tf.Tensor, negatives: tf.Tensor) -> RowLosses:
        """Returns the part of the negatives."""
        logs, slopes = log_sum_exp(negatives)
        return RowLosses(logs, tf.zeros_like(own), slopes)

    def positives(
        self, own: tf.Tensor, weights: tf.Tensor | None, sessions: tf.Tensor | None
    ) -> tf.Tensor:
        """Returns the part of the positives, the same for all rows of a session."""
        if sessions is None:
            return -own
        ratio = self.params.positive_temperature / self.temperature
        weights = tf.ones_like(own) if weights is None else weights
        count = tf.reduce_max(sessions) + 1
        logits = tf.where(weights > 0, own / ratio, own.dtype.min)
        top = tf.math.unsorted_segment_max(logits, sessions, count)
        top = tf.stop_gradient(tf.gather(top, sessions))
        powers = weights * tf.exp(logits - top)
        sums = tf.math.unsorted_segment_sum(tf.stack([powers, weights], axis=1), sessions, count)
        power, weight = tf.unstack(tf.gather(sums, sessions), axis=1)
        # A session without weight has no share of the loss.
        counted = weight > 0
        mean = tf.where(counted, power, 1.0) / tf.where(counted, weight, 1.0)
        return tf.where(counted, -ratio * (top + tf.math.log(mean)), 0.0)
