"""Mean average precision among the rows of a batch: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.specs.metric import METRICS, MetricSpec
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import Named, View
from easyrec_lite.core.errors import Problem
from easyrec_lite.protos.messages import AvgPrecisionAtTopK


@METRICS.declare
class PrecisionAtTopKSpec(MetricSpec):
    """The average precision of a row's nearest rows, the relevant ones being alike."""

    name = message = "precision_at_topk"
    module = "metric"
    messages = {"AvgPrecisionAtTopK": fields("topk")}
    scored = "vectors"

    def reported(self, params: AvgPrecisionAtTopK) -> list[str]:
        """Returns EasyRec's name."""
        return [f"MAP@{params.topk}"]

    def check(self, view: View, metric: Named) -> Iterator[Problem]:
        """The list has at least one place."""
        if metric.config.topk == 0:
            yield view.error(f"{metric.path}.topk", "topk is 0", expected="a positive number")
