"""Rules about export and early stopping."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.rules.full_ranking import asked
from easyrec_lite.checks.rules.metrics import reported_names
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]
LOSSES = ("loss/total_loss",)
EXPORTERS = ("final", "latest", "best", "none")


def exporter(view: View) -> Problems:
    """`exporter_type` is known, and what is best can be told."""
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
    known = [*reported_names(view), *LOSSES]
    metric, named = config.best_exporter_metric, config.HasField("best_exporter_metric")
    if metric in known or metric.startswith("loss/") or not (decides or named):
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
        remedy=remedy if decides else f"{remedy}; it decides nothing in this config",
        severity="error" if decides else "warning",
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


RULES = (exporter, inputs)
