"""Rules about evaluation metrics, whichever metrics there are."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.rules import full_ranking
from easyrec_lite.checks.specs.loss import Scored, loss_names
from easyrec_lite.checks.specs.metric import METRICS, MetricSpec, measured_kind, metric_names
from easyrec_lite.checks.view import Named, View
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]


def metrics(view: View) -> list[tuple[Named, MetricSpec]]:
    """Returns the known metrics of `eval_config`, each named by its field, with its spec."""
    known = []
    for index, entry in enumerate(view.config.eval_config.metrics_set):
        name = entry.WhichOneof("metric") or ""
        spec = METRICS.find(name)
        if spec is not None:
            path = f"eval_config.metrics_set[{index}].{name}"
            known.append((Named(name, path, getattr(entry, name)), spec))
    return known


def computed(view: View) -> list[tuple[Named, MetricSpec]]:
    """Returns those of the `metrics` that measure what the losses train; others are left out."""
    return [(metric, spec) for metric, spec in metrics(view) if _kind(view) in spec.kinds]


def _kind(view: View) -> Scored:
    losses = (view.loss_spec(loss) for loss in view.losses)
    return measured_kind(loss.scored for loss in losses if loss is not None)


def reported_names(view: View) -> list[str]:
    """Returns the names under which evaluation reports its metrics, e.g. `full_ranking/…`."""
    names = [name for metric, spec in computed(view) for name in spec.reported(metric.config)]
    return names + full_ranking.metric_names(view)


def named(view: View) -> Problems:
    """Each entry of `metrics_set` names a metric that there is."""
    for index, entry in enumerate(view.config.eval_config.metrics_set):
        path, name = f"eval_config.metrics_set[{index}]", entry.WhichOneof("metric")
        if name is None:
            yield view.error(
                path,
                "metrics_set names no metric",
                expected="one of " + ", ".join(METRICS.names()),
                remedy="name one, with its message: NAME {}",
            )
        elif name not in METRICS:
            yield view.unknown(
                f"{path}.{name}",
                "metric",
                name,
                METRICS.names(),
                remedy="use a metric that is offered",
            )


def kinds(view: View) -> Problems:
    """Metrics over candidates belong to losses over candidates, the others to losses over rows."""
    kind = _kind(view)
    for metric, spec in metrics(view):
        if kind in spec.kinds:
            continue
        if "vectors" in (kind, spec.scored):
            yield _other_kind(view, metric, kind)
        elif kind == "row":
            yield _needs_candidates(view, metric)
        else:
            yield _needs_rows(view, metric)


def _other_kind(view: View, metric: Named, kind: Scored) -> Problem:
    return view.error(
        metric.path,
        f"{metric.name} does not measure what {view.losses[0].name} trains",
        expected=" or ".join(metric_names(kind)),
        found=metric.name,
        remedy=f"use {' or '.join(metric_names(kind))}",
    )


def _needs_rows(view: View, metric: Named) -> Problem:
    reported = reported_names(view)
    return view.warning(
        metric.path,
        f"{metric.name} is not computed: it needs a score for each row alone, and "
        f"{view.losses[0].name} ranks a row's positive among candidates; evaluation reports "
        + (f"{', '.join(reported)} and the losses" if reported else "the losses alone"),
        expected=" or ".join(metric_names("candidates")),
        found=metric.name,
        remedy=f"use {' or '.join(metric_names('candidates'))}, or a loss over rows",
    )


def _needs_candidates(view: View, metric: Named) -> Problem:
    remedy = (
        f"set model_config.loss_type: {' or '.join(loss_names('candidates'))}, or use a metric of "
        f"rows: {', '.join(metric_names('row'))}"
    )
    if view.loss_is_default:
        return view.warning(
            metric.path,
            f"{metric.name} is not computed: without loss_type the model is pointwise "
            f"({view.losses[0].name})",
            remedy=remedy,
        )
    return view.error(
        metric.path,
        f"{metric.name} ranks candidates, and loss {view.losses[0].name} has none",
        expected="one of " + ", ".join(metric_names("row")),
        remedy=remedy,
    )


def parameters(view: View) -> Problems:
    """Metrics read columns that exist; their own rules follow."""
    for metric, spec in metrics(view):
        name = getattr(metric.config, spec.field) if spec.field else ""
        if spec.field and name not in view.fields:
            yield view.unknown(
                f"{metric.path}.{spec.field}",
                f"input field in {spec.field}:",
                name,
                view.fields,
                remedy="name a field of data_config.input_fields",
            )
        yield from spec.check(view, metric)


RULES = (named, kinds, parameters)
