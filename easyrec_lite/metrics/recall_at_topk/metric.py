"""Recall among the candidates of the batch."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.specs.metric import METRICS
from easyrec_lite.features.batch import Batch
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.metrics.base import Metric, State, count
from easyrec_lite.metrics.neighbours import nearest_rows
from easyrec_lite.metrics.recall_at_topk.spec import INTEREST_PARTS, PARTS
from easyrec_lite.protos import messages


class RecallAtTopK(Metric):
    """The share of rows whose positive is among the K best candidates of the batch.

    `recall@k` ranks it among all N candidates, `recall_neg_sam@k` among itself and the sampled
    items, `recall_in_batch@k` among the rows' positives. They depend on the batch size and on
    what was sampled: compare them only between like runs. Of equal logits the lower column comes
    first, as in `tf.math.top_k`, so that a model that scores all alike does not look perfect; a
    masked candidate competes with nothing, and a positive that is NaN is never found.

    Of a model that trains with a mixture of a user's interests, the same by the largest score of
    the interests: `interests_recall@k` among all, `interests_neg_sam_recall@k`.

    Of a model of one vector a row, `recall@k` is the share of a row's K nearest positive rows that
    are among its K nearest rows. Where there are fewer than K, the first other rows fill the places
    of the positive ones, as in EasyRec.

    Args:
      topk: K.
    """

    def __init__(self, topk: int):
        self._topk = topk

    def state(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns for each of the three the rows found, and how many competitors there were."""
        if "alike" in outputs.predictions:
            return self._neighbours(outputs.predictions)
        found = self._state(outputs.predictions["logits"])
        interests = outputs.predictions.get("interest_logits")
        if interests is not None:
            state = self._state(interests)
            found |= {f"interests_{name}": state[name] for name in state if name != "rows"}
        return found

    def _neighbours(self, found: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        similarities, alike = found["similarities"], found["alike"]
        positive = tf.linalg.set_diag(alike, tf.zeros_like(alike[:, 0]))
        nearest = nearest_rows(similarities, self._topk)
        wanted = nearest_rows(similarities, self._topk, positive)
        same = tf.reduce_any(nearest[:, :, None] == wanted[:, None, :], axis=2)
        return {
            "all_found": tf.reduce_sum(tf.reduce_mean(tf.cast(same, tf.float64), axis=1)),
            "rows": tf.shape(alike, tf.int64)[0],
            "all_competitors": tf.constant(1, tf.int64),
        }

    def _state(self, logits: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = tf.shape(logits)[0]
        ahead, competing = candidates_ahead(logits), logits > float("-inf")
        ranks = {
            "in_batch": tf.reduce_sum(ahead[:, :rows], axis=1),
            "sampled": tf.reduce_sum(ahead[:, rows:], axis=1),
        }
        ranks["all"] = ranks["in_batch"] + ranks["sampled"]
        in_batch = count(competing[:, :rows]) - tf.cast(rows, tf.int64)
        sampled = count(competing[:, rows:])
        found = {f"{part}_found": count(rank < self._topk) for part, rank in ranks.items()}
        return {
            **found,
            "rows": tf.cast(rows, tf.int64),
            "in_batch_competitors": in_batch,
            "sampled_competitors": sampled,
            "all_competitors": in_batch + sampled,
        }

    def compute(self, total: State) -> dict[str, float]:
        """Returns the recalls by name, but for those of parts without any competitor."""
        return {
            f"{name}@{self._topk}": float(total[f"{part}_found"] / total["rows"])
            for name, part in (PARTS | INTEREST_PARTS).items()
            if total.get(f"{part}_competitors", 0) > 0
        }


def candidates_ahead(logits: tf.Tensor) -> tf.Tensor:
    """Returns int32 [B, N]: 1 where a candidate ranks before the row's positive, column = row."""
    row = tf.range(tf.shape(logits)[0])[:, None]
    column = tf.range(tf.shape(logits)[1])[None, :]
    positive = tf.linalg.diag_part(logits)[:, None]
    behind = tf.where(column < row, logits < positive, logits <= positive)
    return tf.cast(~behind, tf.int32)


@METRICS.implement("recall_at_topk")
def recall_at_topk(name: str, params: messages.RecallAtTopK, label: str) -> Metric:
    """Returns the recall that a config asks for."""
    return RecallAtTopK(params.topk)
