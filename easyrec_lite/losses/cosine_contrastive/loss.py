"""The cosine contrastive loss.

Mao et al., SimpleX: A simple and strong baseline for collaborative filtering, CIKM 2021.
"""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.softmax.blocked import CandidateLoss, RowLosses, count_of


@LOSSES.implement("COSINE_CONTRASTIVE_LOSS")
class CosineContrastive(CandidateLoss):
    """`(1 − cos₊) + w/n · Σ_j relu(cos_j − m)` over the n negatives j."""

    scaled = False

    def rows(self, own: tf.Tensor, negatives: tf.Tensor) -> RowLosses:
        """Returns the losses of b rows."""
        weight = self.params.negative_weight / tf.maximum(count_of(negatives), 1.0)
        above = tf.nn.relu(negatives - self.params.margin)
        slopes = tf.cast(above > 0, tf.float32) * weight[:, None]
        values = 1.0 - own + weight * tf.reduce_sum(above, axis=1)
        return RowLosses(values, -tf.ones_like(own), slopes)
