"""Decisions at a score of one half."""

from __future__ import annotations

import tensorflow as tf
from google.protobuf.message import Message

from easyrec_lite.checks.specs.metric import METRICS
from easyrec_lite.features.batch import Batch
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.metrics.base import Metric, State, count, row_scores


class Decisions(Metric):
    """The accuracy, precision or recall of calling a row positive when its score exceeds 0.5.

    Args:
      name: `accuracy`, `precision` or `recall`.
      label: the label field; a row is positive when its label is above 0.
    """

    def __init__(self, name: str, label: str):
        self._name = name
        self._label = label

    def state(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the counts of right and wrong decisions."""
        called, positive = row_scores(outputs) > 0.5, batch.labels[self._label] > 0
        return {
            "hits": count(called & positive),
            "called": count(called),
            "positives": count(positive),
            "right": count(called == positive),
            "rows": tf.size(called, out_type=tf.int64),
        }

    def compute(self, total: State) -> dict[str, float]:
        """Returns the share by name; 0 when there is nothing to have a share of."""
        part, whole = {
            "accuracy": ("right", "rows"),
            "precision": ("hits", "called"),
            "recall": ("hits", "positives"),
        }[self._name]
        return {self._name: float(total[part] / max(total[whole], 1))}


@METRICS.implement("accuracy", "precision", "recall")
def share(name: str, params: Message, label: str) -> Metric:
    """Returns the share that a config asks for."""
    return Decisions(name, label)
