"""Metrics: `state` of each batch, merged, then computed."""

from easyrec_lite.metrics.base import Metric
from easyrec_lite.metrics.open import open_metrics

__all__ = ["Metric", "open_metrics"]
