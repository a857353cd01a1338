"""Recall among the candidates of a batch: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.specs.metric import METRICS, MetricSpec
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import Named, View
from easyrec_lite.core.errors import Problem
from easyrec_lite.protos.messages import RecallAtTopK

# The names of the values, and the part of the candidates that each ranks among.
PARTS = {"recall": "all", "recall_neg_sam": "sampled", "recall_in_batch": "in_batch"}

# Those of models with a mixture of interests beside their largest score.
INTEREST_PARTS = {
    "interests_recall": "interests_all",
    "interests_neg_sam_recall": "interests_sampled",
}


@METRICS.declare
class RecallAtTopKSpec(MetricSpec):
    """The share of rows whose positive is among the K best candidates of the batch."""

    name = message = "recall_at_topk"
    module = "metric"
    messages = {"RecallAtTopK": fields("topk")}
    scored = "candidates"
    scored_too = "vectors"

    def reported(self, params: RecallAtTopK) -> list[str]:
        """Returns the names of the values: among all, the sampled and the batch's own items."""
        return [f"{name}@{params.topk}" for name in PARTS]

    def check(self, view: View, metric: Named) -> Iterator[Problem]:
        """The list has at least one place."""
        if metric.config.topk == 0:
            yield view.error(f"{metric.path}.topk", "topk is 0", expected="a positive number")
