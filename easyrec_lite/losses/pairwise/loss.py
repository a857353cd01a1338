"""Losses over pairs of rows of a session, in which one label is higher than the other."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.scores import Scores
from easyrec_lite.losses.weighting import hardest_mean
from easyrec_lite.protos.messages import (
    PairwiseFocalLoss,
    PairwiseHingeLoss,
    PairwiseLogisticLoss,
    PairwiseLoss,
)


class Pairs(NamedTuple):
    """M pairs (i, j) of one session with y_i > y_j.

    `margins`: float32 [M], s_i − s_j by temperature; `label_margins`: [M], y_i − y_j; `weights`:
    [M], the weight of row i, or None.
    """

    margins: tf.Tensor
    label_margins: tf.Tensor
    weights: tf.Tensor | None

    def below(self, margin: float) -> Pairs:
        """Returns the pairs whose scores differ by less than `margin`."""
        kept = self.margins < margin
        parts = (None if part is None else tf.boolean_mask(part, kept) for part in self)
        return Pairs(*parts)


def ordered_pairs(scores: Scores, temperature: float) -> Pairs:
    """Returns the ordered pairs of a batch; it takes memory for B² booleans."""
    labels, logits = scores.labels, scores.logits / temperature
    wanted = labels[:, None] > labels[None, :]
    if scores.sessions is not None:
        wanted &= scores.sessions[:, None] == scores.sessions[None, :]
    pairs = tf.where(wanted)
    better, worse = pairs[:, 0], pairs[:, 1]
    return Pairs(
        tf.gather(logits, better) - tf.gather(logits, worse),
        tf.gather(labels, better) - tf.gather(labels, worse),
        None if scores.weights is None else tf.gather(scores.weights, better),
    )


@LOSSES.implement("PAIR_WISE_LOSS")
def pairwise_loss(scores: Scores, params: PairwiseLoss) -> tf.Tensor:
    """Computes `log(1 + exp(−(s_i − s_j − margin)))`, the mean over pairs (RankNet).

    `params` (`PairwiseLoss`): margin, temperature, session_name.
    """
    pairs = ordered_pairs(scores, params.temperature)
    return hardest_mean(tf.nn.softplus(params.margin - pairs.margins), pairs.weights, 1.0)


@LOSSES.implement("PAIRWISE_LOGISTIC_LOSS")
def pairwise_logistic_loss(scores: Scores, params: PairwiseLogisticLoss) -> tf.Tensor:
    """Computes `log(1 + exp(−(s_i − s_j − margin)))`, the mean over pairs.

    `params` (`PairwiseLogisticLoss`): temperature, session_name, ohem_ratio; the margin is
    y_i − y_j with use_label_margin, else hinge_margin, 0 if it is not given.
    """
    pairs = ordered_pairs(scores, params.temperature)
    margin = pairs.label_margins if params.use_label_margin else params.hinge_margin
    values = tf.nn.softplus(margin - pairs.margins)
    return hardest_mean(values, pairs.weights, params.ohem_ratio)


@LOSSES.implement("PAIRWISE_FOCAL_LOSS")
def pairwise_focal_loss(scores: Scores, params: PairwiseFocalLoss) -> tf.Tensor:
    """Computes `α (1 − p)^γ · −log p`, `p = sigmoid(s_i − s_j)`, the mean over pairs.

    `params` (`PairwiseFocalLoss`): gamma, alpha, temperature, session_name, ohem_ratio; with
    hinge_margin, only pairs with a smaller difference are pairs. Its default has no effect.
    """
    pairs = ordered_pairs(scores, params.temperature)
    if params.HasField("hinge_margin"):
        pairs = pairs.below(params.hinge_margin)
    values = tf.nn.softplus(-pairs.margins) * tf.pow(tf.sigmoid(-pairs.margins), params.gamma)
    if params.HasField("alpha"):
        values *= params.alpha
    return hardest_mean(values, pairs.weights, params.ohem_ratio)


@LOSSES.implement("PAIRWISE_HINGE_LOSS")
def pairwise_hinge_loss(scores: Scores, params: PairwiseHingeLoss) -> tf.Tensor:
    """Computes `relu(margin − (s_i − s_j))`, the mean over pairs.

    `params` (`PairwiseHingeLoss`): temperature, session_name, ohem_ratio; the margin is y_i − y_j
    with use_label_margin (by temperature too if label_is_logits), else `margin`.
    """
    pairs = ordered_pairs(scores, params.temperature)
    scale = 1.0 / params.temperature if params.label_is_logits else 1.0
    margin = scale * pairs.label_margins if params.use_label_margin else params.margin
    return hardest_mean(tf.nn.relu(margin - pairs.margins), pairs.weights, params.ohem_ratio)
