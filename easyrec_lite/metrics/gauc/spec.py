"""AUC within users or sessions: what `check` knows of it."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.specs.metric import METRICS, MetricSpec
from easyrec_lite.checks.status import fields
from easyrec_lite.checks.view import Named, View
from easyrec_lite.core.errors import Problem

REDUCTIONS = ("mean", "mean_by_sample_num", "mean_by_positive_num")


class GroupedAUCSpec(MetricSpec):
    """The mean of the AUCs of groups of rows."""

    module = "metric"

    def check(self, view: View, metric: Named) -> Iterator[Problem]:
        """The reduction is known."""
        if metric.config.reduction not in REDUCTIONS:
            yield view.unknown(
                f"{metric.path}.reduction", "reduction", metric.config.reduction, REDUCTIONS
            )


@METRICS.declare
class GAUCSpec(GroupedAUCSpec):
    """The mean AUC of users."""

    name = message = "gauc"
    messages = {"GAUC": fields("uid_field reduction")}
    field = "uid_field"


@METRICS.declare
class SessionAUCSpec(GroupedAUCSpec):
    """The mean AUC of sessions."""

    name = message = "session_auc"
    messages = {"SessionAUC": fields("session_id_field reduction")}
    field = "session_id_field"
