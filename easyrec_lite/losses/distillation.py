"""Knowledge distillation: a loss against a teacher's scores, given as a column of the data."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.scores import Scores
from easyrec_lite.losses.terms import loss_params, loss_type_name
from easyrec_lite.protos.messages import KD


class Teacher:
    """One `KD` message: which column to learn from, and how.

    Student and teacher logits are divided by the temperature T, and the loss is multiplied by T²,
    so that its gradients do not shrink (Hinton et al., https://arxiv.org/abs/1503.02531).

    Args:
      kd: the message; `label_is_logits: false` says that the teacher's column is probabilities.

    Attributes:
      name: what the loss is called.
      columns: the columns that it reads.
      session: the one of them that tells the rows of a session, "" for none.
    """

    def __init__(self, kd: KD):
        self._kd = kd
        self._loss_type = loss_type_name(kd.loss_type)
        self._loss = LOSSES.get(self._loss_type)
        self._params = loss_params(kd)
        self.session = getattr(self._params, "session_name", "")
        self.name = kd.loss_name or f"{self._loss_type.lower()}_{kd.soft_label_name}"
        names = (kd.soft_label_name, kd.task_space_indicator_name, self.session)
        self.columns = tuple(name for name in names if name)

    def loss(self, scores: Scores, columns: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns the loss times its weight, a scalar.

        Args:
          scores: the student's logits and the sample weights.
          columns: name → [B] raw column.
        """
        kd = self._kd
        teacher = tf.cast(columns[kd.soft_label_name], tf.float32)
        student = scores.logits / kd.temperature
        seen_as = LOSSES.spec(self._loss_type).teacher
        if seen_as == "probability":
            teacher = tf.sigmoid(teacher / kd.temperature) if kd.label_is_logits else teacher
        elif kd.label_is_logits:
            teacher = teacher / kd.temperature
        elif seen_as == "regression":
            student = tf.sigmoid(student)
        weights = self._weights(scores, columns)
        seen = Scores(student, teacher, weights, columns.get(self.session))
        return kd.loss_weight * kd.temperature**2 * self._loss(seen, self._params)

    def _weights(self, scores: Scores, columns: Mapping[str, tf.Tensor]) -> tf.Tensor | None:
        kd = self._kd
        if not kd.task_space_indicator_name:
            return scores.weights
        column = columns[kd.task_space_indicator_name]
        text = column if column.dtype == tf.string else tf.strings.as_string(column)
        inside = text == kd.task_space_indicator_value
        weights = tf.where(inside, kd.in_task_space_weight, kd.out_task_space_weight)
        return weights if scores.weights is None else weights * scores.weights
