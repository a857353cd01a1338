"""Metrics of a score and a label a row: errors, and decisions at one half."""

from __future__ import annotations

import math

import tensorflow as tf

from easyrec_lite.features.batch import Batch
from easyrec_lite.metrics.base import Metric, State, count, row_scores
from easyrec_lite.models.base import Outputs


class Errors(Metric):
    """The mean absolute, mean squared or root mean squared error of scores against labels.

    Args:
      name: `mean_absolute_error`, `mean_squared_error` or `root_mean_squared_error`.
      label: the label field.
    """

    def __init__(self, name: str, label: str):
        self._name = name
        self._label = label

    def state(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the sums of absolute and squared errors, and the number of rows."""
        error = tf.cast(row_scores(outputs) - batch.labels[self._label], tf.float64)
        return {
            "absolute": tf.reduce_sum(tf.abs(error)),
            "squared": tf.reduce_sum(tf.square(error)),
            "rows": tf.size(error, out_type=tf.int64),
        }

    def compute(self, total: State) -> dict[str, float]:
        """Returns the error by name."""
        if self._name == "mean_absolute_error":
            return {self._name: float(total["absolute"] / total["rows"])}
        mean = float(total["squared"] / total["rows"])
        return {self._name: math.sqrt(mean) if self._name.startswith("root") else mean}


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
