"""Mean average precision, and recall, among the rows of a batch: a row's nearest rows."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.specs.metric import METRICS
from easyrec_lite.features.batch import Batch
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.metrics.base import Metric, State
from easyrec_lite.metrics.neighbours import nearest_rows
from easyrec_lite.protos.messages import AvgPrecisionAtTopK


class PrecisionAtTopK(Metric):
    """The mean over rows of the average precision of their K nearest rows.

    Relevant are the rows that are alike, the row itself too, which ranks last. The denominator is
    K, or the size of the batch's largest group if that is smaller. As in EasyRec.

    Args:
      topk: K.
    """

    def __init__(self, topk: int):
        self._topk = topk

    def state(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the sum of the rows' average precisions, and how many rows there are."""
        alike = outputs.predictions["alike"]
        nearest = nearest_rows(outputs.predictions["similarities"], self._topk)
        relevant = tf.cast(tf.gather(alike, nearest, batch_dims=1), tf.float64)
        places = tf.range(1, tf.shape(nearest)[1] + 1)
        precisions = tf.cumsum(relevant, axis=1) / tf.cast(places, tf.float64)
        largest = tf.reduce_max(tf.reduce_sum(tf.cast(alike, tf.int32), axis=1))
        most = tf.cast(tf.minimum(self._topk, largest), tf.float64)
        return {
            "precision": tf.reduce_sum(precisions * relevant) / most,
            "rows": tf.shape(alike, tf.int64)[0],
        }

    def compute(self, total: State) -> dict[str, float]:
        """Returns the mean, under EasyRec's name."""
        return {f"MAP@{self._topk}": float(total["precision"] / max(total["rows"], 1))}


@METRICS.implement("precision_at_topk")
def precision_at_topk(name: str, params: AvgPrecisionAtTopK, label: str) -> Metric:
    """Returns the metric that a config asks for."""
    return PrecisionAtTopK(params.topk)
