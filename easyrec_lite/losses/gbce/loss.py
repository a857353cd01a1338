"""The generalized binary cross-entropy.

Petrov and Macdonald, gSASRec: Reducing overconfidence in sequential recommendation trained with
negative sampling, RecSys 2023, equations 10 and 14.
"""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.softmax.blocked import CandidateLoss, RowLosses, count_of


@LOSSES.implement("GBCE_LOSS")
class GBCE(CandidateLoss):
    """`−(β log σ(s₊) + Σ_j log(1 − σ(s_j))) / (n + 1)` over the n negatives j.

    β = α (t (1 − 1/α) + 1/α), t the calibration, and α = n / (items − 1), at most 1.
    """

    shifted = True

    def rows(self, own: tf.Tensor, negatives: tf.Tensor) -> RowLosses:
        """Returns the losses of b rows."""
        count = count_of(negatives)
        rate = tf.minimum(count / max(self.params.num_items - 1.0, 1.0), 1.0)
        beta = 1.0 - self.params.calibration * (1.0 - rate)
        mean = 1.0 / (count + 1.0)
        values = beta * tf.nn.softplus(-own) + tf.reduce_sum(tf.nn.softplus(negatives), axis=1)
        slopes = tf.sigmoid(negatives) * mean[:, None]
        return RowLosses(mean * values, -mean * beta * tf.sigmoid(-own), slopes)
