"""Losses over the rows of a session as one list: the softmax of scores against that of labels."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.scores import Scores
from easyrec_lite.losses.weighting import weighted_mean
from easyrec_lite.protos.messages import ListwiseDistillLoss, ListwiseRankLoss


@LOSSES.implement("LISTWISE_RANK_LOSS")
def listwise_rank_loss(scores: Scores, params: ListwiseRankLoss) -> tf.Tensor:
    """Computes `−Σ q log softmax(s)` in each session, the mean over sessions (ListNet).

    q are the session's labels divided by their sum, or their softmax if they are logits; a
    session whose labels are all 0 counts nothing. `params` (`ListwiseRankLoss`): temperature, of
    scores and label logits; session_name; label_is_logits. From ICML 2007, Cao et al.
    """
    sessions, count = _session_numbers(scores)
    if params.label_is_logits:
        target = tf.exp(_log_softmax(scores.labels / params.temperature, sessions, count))
    else:
        totals = tf.math.unsorted_segment_sum(scores.labels, sessions, count)
        target = tf.math.divide_no_nan(scores.labels, tf.gather(totals, sessions))
    return _cross_entropy(scores, target, params.temperature, sessions, count)


@LOSSES.implement("LISTWISE_DISTILL_LOSS")
def listwise_distill_loss(scores: Scores, params: ListwiseDistillLoss) -> tf.Tensor:
    """Computes `−Σ softmax(t) log softmax(s)` in each session, t the teacher's scores.

    `params` (`ListwiseDistillLoss`): temperature of both, session_name, label_clip_max_value, at
    which t is cut.
    """
    sessions, count = _session_numbers(scores)
    teacher = tf.minimum(scores.labels, params.label_clip_max_value) / params.temperature
    target = tf.exp(_log_softmax(teacher, sessions, count))
    return _cross_entropy(scores, target, params.temperature, sessions, count)


def _session_numbers(scores: Scores) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns int32 [B] numbers from 0 of the rows' sessions, and how many sessions there are."""
    if scores.sessions is None:
        return tf.zeros_like(scores.logits, tf.int32), tf.constant(1)
    values, numbers = tf.unique(scores.sessions)
    return numbers, tf.size(values)


def _log_softmax(values: tf.Tensor, sessions: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Returns [B]: the log of the softmax over each session's values."""
    peaks = tf.stop_gradient(tf.math.unsorted_segment_max(values, sessions, count))
    values -= tf.gather(peaks, sessions)
    totals = tf.math.unsorted_segment_sum(tf.exp(values), sessions, count)
    return values - tf.math.log(tf.gather(totals, sessions))


def _cross_entropy(
    scores: Scores, target: tf.Tensor, temperature: float, sessions: tf.Tensor, count: tf.Tensor
) -> tf.Tensor:
    """Returns the mean over sessions that have a target; a session weighs its rows' mean weight."""
    predicted = _log_softmax(scores.logits / temperature, sessions, count)
    losses = -tf.math.unsorted_segment_sum(target * predicted, sessions, count)
    known = tf.math.unsorted_segment_sum(target, sessions, count) > 0
    weights = tf.cast(known, tf.float32)
    if scores.weights is not None:
        weights *= tf.math.unsorted_segment_mean(scores.weights, sessions, count)
    return weighted_mean(losses, weights)
