"""The objective of a pointwise two-tower model: losses of labels, and of teachers."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.features.batch import Batch
from easyrec_lite.losses.distillation import Teacher
from easyrec_lite.losses.scores import Scores
from easyrec_lite.losses.terms import LossTerm
from easyrec_lite.protos.messages import EasyRecConfig


class PointwiseObjective:
    """The predictions and losses of a model with one logit a row.

    Args:
      config: the `EasyRecConfig` message, for its label field and `kd`.
      terms: the loss terms.

    Attributes:
      columns: raw columns to read into `Batch.extra`: session ids and teachers' scores.
      label: the label field.
    """

    def __init__(self, config: EasyRecConfig, terms: list[LossTerm]):
        self._terms = [(term, LOSSES.get(term.loss_type)) for term in terms]
        self._teachers = [Teacher(kd) for kd in config.model_config.kd]
        self.label = config.model_config.label_name or config.data_config.label_fields[0]
        named = [*(term.session_name for term in terms), *(each.session for each in self._teachers)]
        # Sessions are compared as they are read, also those among the label fields.
        sessions = dict.fromkeys(name for name in named if name)
        labels = set(config.data_config.label_fields)
        read = [c for teacher in self._teachers for c in teacher.columns if c not in labels]
        self.columns = tuple(dict.fromkeys([*sessions, *read]))
        predicted = LOSSES.spec(terms[0].loss_type).prediction if terms else ""
        self._regression = {"logit": tf.identity, "sigmoid": tf.sigmoid}.get(predicted)

    def predictions(self, logits: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns `y` [B] of a regression (by its first loss), else `logits` and `probs` [B]."""
        if self._regression is not None:
            return {"y": self._regression(logits)}
        return {"logits": logits, "probs": tf.sigmoid(logits)}

    def row_weight(self, batch: Batch) -> tf.Tensor:
        """Returns the divisor of the batch's losses, float32: the rows whose weight is not 0."""
        if batch.weights is None:
            return tf.cast(batch.rows, tf.float32)
        return tf.math.count_nonzero(batch.weights, dtype=tf.float32)

    def losses(self, logits: tf.Tensor, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns each loss, times its weight, under its name."""
        scores = Scores(logits, batch.labels[self.label], batch.weights)
        losses = {}
        for term, loss in self._terms:
            sessions = batch.extra.get(term.session_name)
            losses[term.name] = term.weight * loss(scores._replace(sessions=sessions), term.params)
        for teacher in self._teachers:
            losses[teacher.name] = teacher.loss(scores, {**batch.labels, **batch.extra})
        return losses
