"""Errors of scores: what `check` knows of them."""

from __future__ import annotations

from easyrec_lite.checks.specs.metric import METRICS, MetricSpec


class ErrorSpec(MetricSpec):
    """A mean error over rows."""

    module = "metric"
    bigger = False


@METRICS.declare
class MeanAbsoluteErrorSpec(ErrorSpec):
    """The mean absolute error."""

    name = message = "mean_absolute_error"


@METRICS.declare
class MeanSquaredErrorSpec(ErrorSpec):
    """The mean squared error."""

    name = message = "mean_squared_error"


@METRICS.declare
class RootMeanSquaredErrorSpec(ErrorSpec):
    """The root of the mean squared error."""

    name = message = "root_mean_squared_error"
