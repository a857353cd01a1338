"""Losses over the pairs of a batch's vectors, each row an anchor of all others."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.weighting import weighted_mean
from easyrec_lite.protos.messages import CircleLoss, MultiSimilarityLoss

FAR = -1e32


class PairRows(NamedTuple):
    """B rows and their pairs.

    Attributes:
      similarities: float32 [B, B], the cosines of the rows' vectors.
      alike: bool [B, B], which rows are of one label and one session, each row with itself too.
      weights: float32 [B], or None.
    """

    similarities: tf.Tensor
    alike: tf.Tensor
    weights: tf.Tensor | None = None

    @property
    def positive(self) -> tf.Tensor:
        """bool [B, B]: the pairs of different rows that are alike."""
        return tf.linalg.set_diag(self.alike, tf.zeros_like(self.alike[:, 0]))


@LOSSES.implement("CIRCLE_LOSS")
def circle_loss(rows: PairRows, params: CircleLoss) -> tf.Tensor:
    """Computes `softplus(LSE_n γ α_n (s_n − m) + LSE_p −γ α_p (s_p − 1 + m))`, the mean over rows.

    `α_p = relu(1 + m − s_p)` and `α_n = relu(s_n + m)` have no gradient; LSE is logsumexp over the
    anchor's positive and negative pairs. An anchor without either counts 0. Sun et al., Circle
    Loss, CVPR 2020. `params` (`CircleLoss`): margin m, gamma γ.
    """
    s, margin = rows.similarities, params.margin
    fixed = tf.stop_gradient(s)
    near = -params.gamma * tf.nn.relu(1.0 + margin - fixed) * (s - 1.0 + margin)
    far = params.gamma * tf.nn.relu(fixed + margin) * (s - margin)
    sums = _log_sum(near, rows.positive) + _log_sum(far, ~rows.alike)
    return weighted_mean(tf.nn.softplus(sums), rows.weights)


@LOSSES.implement("MULTI_SIMILARITY_LOSS")
def multi_similarity_loss(rows: PairRows, params: MultiSimilarityLoss) -> tf.Tensor:
    """Computes `log(1 + Σ_p e^(−α(s − λ))) / α + log(1 + Σ_n e^(β(s − λ))) / β`.

    It is the mean over rows. s is `relu` of the cosine; Σ is over the anchor's positive and its
    negative pairs. Wang et al., Multi-Similarity Loss, CVPR 2019. `params` (`MultiSimilarityLoss`):
    alpha, beta, lamb (λ).
    """
    s = tf.nn.relu(rows.similarities) - params.lamb
    near = tf.nn.softplus(_log_sum(-params.alpha * s, rows.positive)) / params.alpha
    far = tf.nn.softplus(_log_sum(params.beta * s, ~rows.alike)) / params.beta
    return weighted_mean(near + far, rows.weights)


def _log_sum(values: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Returns the logs of the sums of exp over each row's wanted values, [B]; far below of none."""
    return tf.reduce_logsumexp(tf.where(wanted, values, FAR), axis=1)
