"""From `eval_config.metrics_set` to metrics."""

from __future__ import annotations

from easyrec_lite.checks.specs.metric import METRICS, measured_kind
from easyrec_lite.losses.terms import loss_terms
from easyrec_lite.metrics.base import Metric
from easyrec_lite.protos.messages import EasyRecConfig


def open_metrics(config: EasyRecConfig) -> list[Metric]:
    """Returns the metrics of an `EasyRecConfig` message, in its order.

    A metric of rows of a model that ranks candidates is left out, as is one over candidates of a
    model that is pointwise only because it names no loss: checking the config warns of it.
    """
    model = config.model_config
    kind = measured_kind(term.scored for term in loss_terms(model))
    label = model.label_name or next(iter(config.data_config.label_fields), "")
    entries = [(entry.WhichOneof("metric"), entry) for entry in config.eval_config.metrics_set]
    return [
        METRICS.get(name)(name, getattr(entry, name), label)
        for name, entry in entries
        if name and kind in METRICS.spec(name).kinds
    ]
