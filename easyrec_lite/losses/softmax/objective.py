"""The softmax as one of the losses over candidates."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.softmax.blocked import CandidateLoss
from easyrec_lite.losses.softmax.loss import in_batch_softmax, softmax_of_logits
from easyrec_lite.losses.softmax.shared import shared_softmax


@LOSSES.implement("SOFTMAX_CROSS_ENTROPY")
class Softmax(CandidateLoss):
    """`−log softmax` of the positive, which also corrects the positive's logit.

    Its own forms need fewer operations than those of a loss with any slopes.
    """

    def in_batch(self, user: tf.Tensor, items: tf.Tensor, *more: Any) -> tf.Tensor:
        """Returns `in_batch_softmax`; sessions have no effect."""
        return in_batch_softmax(user, items, *more[:3])

    def of_logits(self, logits: tf.Tensor, *more: Any) -> tf.Tensor:
        """Returns `softmax_of_logits`; sessions have no effect."""
        return softmax_of_logits(logits, *more[:3])

    def shared(self, user: tf.Tensor, positives: tf.Tensor, *more: Any) -> tf.Tensor:
        """Returns `shared_softmax`; sessions have no effect."""
        return shared_softmax(user, positives, *more[:5])
