"""AUC within each user or session, and its mean."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import tensorflow as tf

from easyrec_lite.checks.specs.metric import METRICS
from easyrec_lite.features.batch import Batch
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.metrics.base import Metric, State, row_scores
from easyrec_lite.protos.messages import GAUC, SessionAUC


class GroupedAUC(Metric):
    """The mean of the groups' exact AUCs (ties count one half); one-sided groups are left out.

    Keeps a score, a label and a group id for each row until `compute`.

    Args:
      name: what the value is called, `gauc` or `session_auc`.
      label: the label field; a row is positive when its label is above 0.
      group_field: the raw column with the user's or session's id.
      reduction: what a group counts in the mean: `mean` 1, `mean_by_sample_num` its rows,
        `mean_by_positive_num` its positives.
    """

    undefined = "no group has both rows with label 0 and rows with a label above 0"

    def __init__(self, name: str, label: str, group_field: str, reduction: str = "mean"):
        self._name = name
        self._label = label
        self._reduction = reduction
        self.columns = (group_field,)

    def state(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns [B] scores, labels and group ids."""
        return {
            "score": row_scores(outputs),
            "positive": batch.labels[self._label] > 0,
            "group": batch.extra[self.columns[0]],
        }

    def empty(self) -> State:
        """Returns the total of no batches."""
        return {"score": [], "positive": [], "group": []}

    def merge(self, total: State, state: Mapping[str, np.ndarray]) -> State:
        """Returns `total`, with the rows of one more batch appended."""
        for name, rows in state.items():
            total[name].append(rows)
        return total

    def compute(self, total: State) -> dict[str, float]:
        """Returns the mean AUC by name; nothing when no group has both kinds of rows."""
        rows = pd.DataFrame({name: np.concatenate(parts) for name, parts in total.items()})
        rank = rows.groupby("group")["score"].rank()
        rows["positive_rank"] = rank.where(rows["positive"], 0.0)
        groups = rows.groupby("group").agg(
            count=("positive", "size"),
            positives=("positive", "sum"),
            rank_sum=("positive_rank", "sum"),
        )
        groups = groups[(groups.positives > 0) & (groups.positives < groups["count"])]
        if groups.empty:
            return {}
        positives, negatives = groups.positives, groups["count"] - groups.positives
        auc = (groups.rank_sum - positives * (positives + 1) / 2) / (positives * negatives)
        weights = {
            "mean": None,
            "mean_by_sample_num": groups["count"],
            "mean_by_positive_num": positives,
        }[self._reduction]
        return {self._name: float(np.average(auc, weights=weights))}


@METRICS.implement("gauc", "session_auc")
def grouped_auc(name: str, params: GAUC | SessionAUC, label: str) -> Metric:
    """Returns the mean AUC of users or sessions that a config asks for."""
    return GroupedAUC(name, label, getattr(params, METRICS.spec(name).field), params.reduction)
