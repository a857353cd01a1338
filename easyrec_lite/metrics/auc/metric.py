"""Metrics from counts of positives and negatives between thresholds: AUC and the largest F1."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from easyrec_lite.checks.specs.metric import METRICS
from easyrec_lite.features.batch import Batch
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.metrics.base import Metric, State, row_scores
from easyrec_lite.protos import messages
from easyrec_lite.protos.messages import Max_F1

EPSILON = 1e-7


def thresholds(number: int) -> np.ndarray:
    """Returns float32 [number]: evenly spread over [0, 1], the ends just outside of it."""
    inner = np.arange(1, number - 1) / (number - 1)
    return np.concatenate([[-EPSILON], inner, [1 + EPSILON]]).astype(np.float32)


class ThresholdMetric(Metric):
    """Counts label-positive and label-negative rows between consecutive thresholds.

    Args:
      label: the label field; a row is positive when its label is above 0.
      num_thresholds: how many.
    """

    def __init__(self, label: str, num_thresholds: int = 200):
        self._label = label
        self._thresholds = thresholds(num_thresholds)

    def state(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns int64 [T + 1] counts; entry b counts scores above b thresholds exactly."""
        bucket = tf.searchsorted(self._thresholds, row_scores(outputs), side="left")
        positive = tf.cast(batch.labels[self._label] > 0, tf.int64)
        size = len(self._thresholds) + 1
        return {
            "positives": tf.math.unsorted_segment_sum(positive, bucket, size),
            "negatives": tf.math.unsorted_segment_sum(1 - positive, bucket, size),
        }


class AUC(ThresholdMetric):
    """Area under the ROC curve by the trapezoid rule over T thresholds, as TensorFlow 1 did it.

    Scores between the same two thresholds count as tied, so that a model whose scores are all
    close together looks worse than it ranks: raise `num_thresholds`, or see `gauc`.
    """

    undefined = "all labels are 0, or all are above 0; it compares rows of both kinds"

    def compute(self, total: State) -> dict[str, float]:
        """Returns `auc`; nothing when the rows are all positive or all negative."""
        if not (total["positives"].any() and total["negatives"].any()):
            return {}
        hits, false_alarms = (_above(total[name]) for name in ("positives", "negatives"))
        smallest = 1e-6
        sensitivity = (hits + smallest) / (total["positives"].sum() + smallest)
        fallout = false_alarms / (total["negatives"].sum() + smallest)
        heights = (sensitivity[:-1] + sensitivity[1:]) / 2
        return {"auc": float(np.sum((fallout[:-1] - fallout[1:]) * heights))}


class MaxF1(ThresholdMetric):
    """The largest F1 that any of the thresholds reaches."""

    def compute(self, total: State) -> dict[str, float]:
        """Returns `max_f1`; 0 when no row is positive."""
        hits, false_alarms = (_above(total[name]) for name in ("positives", "negatives"))
        f1 = 2 * hits / np.maximum(total["positives"].sum() + hits + false_alarms, 1)
        return {"max_f1": float(f1.max())}


def _above(counts: np.ndarray) -> np.ndarray:
    """Returns [T]: how many rows score above each threshold."""
    return counts[::-1].cumsum()[::-1][1:]


@METRICS.implement("auc")
def auc(name: str, params: messages.AUC, label: str) -> Metric:
    """Returns the AUC that a config asks for."""
    return AUC(label, params.num_thresholds)


@METRICS.implement("max_f1")
def max_f1(name: str, params: Max_F1, label: str) -> Metric:
    """Returns the largest F1 that a config asks for."""
    return MaxF1(label)
