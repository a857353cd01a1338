"""Knowledge distillation: a loss against a teacher's scores, given as a column of the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from easyrec_lite.losses.registry import LOSSES, Scores
from easyrec_lite.losses.terms import loss_params, loss_type_name

_PROBABILITY_LOSSES = (
    "CLASSIFICATION",
    "CROSS_ENTROPY_LOSS",
    "BINARY_CROSS_ENTROPY_LOSS",
    "KL_DIVERGENCE_LOSS",
    "BINARY_FOCAL_LOSS",
    "F1_REWEIGHTED_LOSS",
    "SIGMOID_L2_LOSS",
)


def distillation_columns(kd: Any) -> list[str]:
    """Returns the raw columns that a `KD` message reads."""
    session = getattr(loss_params(kd), "session_name", "")
    return [name for name in (kd.soft_label_name, kd.task_space_indicator_name, session) if name]


def distillation_loss(
    kd: Any, scores: Scores, columns: Mapping[str, tf.Tensor]
) -> tuple[str, tf.Tensor]:
    """Returns the name of a `KD` message's loss, and the loss times its weight, a scalar.

    Student and teacher logits are divided by the temperature T, and the loss is multiplied by T²,
    so that its gradients do not shrink (Hinton et al., https://arxiv.org/abs/1503.02531).

    Args:
      kd: the message; `label_is_logits: false` says that the teacher's column is probabilities.
      scores: the student's logits and the sample weights.
      columns: name → [B] raw column.
    """
    loss_type, params = loss_type_name(kd.loss_type), loss_params(kd)
    teacher = tf.cast(columns[kd.soft_label_name], tf.float32)
    student = scores.logits / kd.temperature
    if loss_type in _PROBABILITY_LOSSES:
        teacher = tf.sigmoid(teacher / kd.temperature) if kd.label_is_logits else teacher
    elif kd.label_is_logits:
        teacher = teacher / kd.temperature
    elif loss_type == "L2_LOSS":
        student = tf.sigmoid(student)
    sessions = columns.get(getattr(params, "session_name", ""))
    seen = Scores(student, teacher, _task_weights(kd, scores, columns), sessions)
    loss = LOSSES.get(loss_type)(seen, params)
    name = kd.loss_name or f"{loss_type.lower()}_{kd.soft_label_name}"
    return name, kd.loss_weight * kd.temperature**2 * loss


def _task_weights(kd: Any, scores: Scores, columns: Mapping[str, tf.Tensor]) -> tf.Tensor | None:
    if not kd.task_space_indicator_name:
        return scores.weights
    column = columns[kd.task_space_indicator_name]
    text = column if column.dtype == tf.string else tf.strings.as_string(column)
    inside = text == kd.task_space_indicator_value
    weights = tf.where(inside, kd.in_task_space_weight, kd.out_task_space_weight)
    return weights if scores.weights is None else weights * scores.weights
