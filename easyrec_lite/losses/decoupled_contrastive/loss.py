"""The softmax whose denominator has the negatives alone.

Yeh et al., Decoupled contrastive learning, ECCV 2022, equation 6.
"""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.softmax.blocked import CandidateLoss, RowLosses, log_sum_exp


@LOSSES.implement("DECOUPLED_CONTRASTIVE_LOSS")
class DecoupledContrastive(CandidateLoss):
    """`−s₊ + log Σ_j exp(s_j)` over the negatives j."""

    def rows(self, own: tf.Tensor, negatives: tf.Tensor) -> RowLosses:
        """Returns the losses of b rows."""
        logs, slopes = log_sum_exp(negatives)
        return RowLosses(logs - own, -tf.ones_like(own), slopes)
