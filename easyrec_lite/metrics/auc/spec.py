"""AUC and the largest F1: what `check` knows of them."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.specs.metric import METRICS, MetricSpec
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import Named, View
from easyrec_lite.core.errors import Problem


@METRICS.declare
class AUCSpec(MetricSpec):
    """Area under the ROC curve, by thresholds."""

    name = message = "auc"
    module = "metric"
    messages = {"AUC": fields("num_thresholds")}

    def check(self, view: View, metric: Named) -> Iterator[Problem]:
        """There are two thresholds or more."""
        if metric.config.num_thresholds < 2:
            yield view.error(
                f"{metric.path}.num_thresholds",
                f"num_thresholds is {metric.config.num_thresholds}",
                expected="2 or more",
            )


@METRICS.declare
class MaxF1Spec(MetricSpec):
    """The largest F1 of any threshold."""

    name = message = "max_f1"
    module = "metric"
    messages = {"Max_F1": fields()}
