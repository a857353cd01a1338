"""Decisions at one half: what `check` knows of them."""

from __future__ import annotations

from easyrec_lite.checks.specs.metric import METRICS, MetricSpec


class DecisionSpec(MetricSpec):
    """A share of right decisions."""

    module = "metric"


@METRICS.declare
class AccuracySpec(DecisionSpec):
    """The share of rows that are decided rightly."""

    name = message = "accuracy"


@METRICS.declare
class PrecisionSpec(DecisionSpec):
    """The share of positives among the rows that are called positive."""

    name = message = "precision"


@METRICS.declare
class RecallSpec(DecisionSpec):
    """The share of positives that are called positive."""

    name = message = "recall"
