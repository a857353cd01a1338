"""Rules about export and early stopping."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.decision import LOSS, TOTAL_LOSS, decision_metric, loss_names
from easyrec_lite.checks.rules.full_ranking import asked
from easyrec_lite.checks.rules.metrics import reported_names
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]
EXPORTERS = ("final", "latest", "best", "none")


def exporter(view: View) -> Problems:
    """`exporter_type` is known, and the metric that decides is computed."""
    config = view.config.export_config
    if config.exporter_type not in EXPORTERS:
        yield view.unknown(
            "export_config.exporter_type",
            "exporter_type",
            config.exporter_type,
            EXPORTERS,
            remedy="use one of them",
        )
    decides = config.exporter_type == "best" or config.enable_early_stop
    gated = config.HasField("metric_floor") or config.above_popularity
    losses = loss_names(view)
    known = [*reported_names(view), *(losses or [TOTAL_LOSS])]
    metric, named = decision_metric(config), config.HasField("best_exporter_metric")
    unsaid = losses is None and metric.startswith(LOSS)
    if metric in known or unsaid or not (decides or gated or named):
        return
    remedy = "name a metric that eval_config computes"
    if metric.startswith("full_ranking/") and not asked(view):
        remedy = "ask for it, eval_config { full_ranking { topk: 10 } }, or " + remedy
    yield view.unknown(
        "export_config.best_exporter_metric",
        "metric in best_exporter_metric:",
        metric,
        known,
        found=repr(metric) + ("" if named else " (the default)"),
        remedy=remedy if decides or gated else f"{remedy}; it decides nothing in this config",
        severity="error" if decides or gated else "warning",
    )


def inputs(view: View) -> Problems:
    """Multi-valued inputs are input fields."""
    for index, name in enumerate(view.config.export_config.multi_value_fields.input_name):
        if name not in view.fields:
            yield view.unknown(
                f"export_config.multi_value_fields.input_name[{index}]",
                "input field in multi_value_fields:",
                name,
                view.fields,
                remedy="name a field of data_config.input_fields",
            )


def gate(view: View) -> Problems:
    """The ranking that an export must beat is computed."""
    config = view.config.export_config
    if config.above_popularity and not asked(view):
        yield view.error(
            "export_config.above_popularity",
            "only a ranking of all items compares the model with popularity",
            expected="eval_config { full_ranking { topk: 10 } }",
            remedy="ask for it, or leave above_popularity out",
        )
    if config.above_popularity and not decision_metric(config).startswith("full_ranking/"):
        yield view.error(
            "export_config.best_exporter_metric",
            "above_popularity compares a metric of the full ranking",
            expected="one such as full_ranking/excluded/ndcg@10",
            found=decision_metric(config),
            remedy="name one in best_exporter_metric",
        )


RULES = (exporter, gate, inputs)
