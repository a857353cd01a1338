"""Errors of scores against labels."""

from __future__ import annotations

import math

import tensorflow as tf
from google.protobuf.message import Message

from easyrec_lite.checks.specs.metric import METRICS
from easyrec_lite.features.batch import Batch
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.metrics.base import Metric, State, row_scores


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


@METRICS.implement("mean_absolute_error", "mean_squared_error", "root_mean_squared_error")
def error(name: str, params: Message, label: str) -> Metric:
    """Returns the error that a config asks for."""
    return Errors(name, label)
