"""Rules about evaluation metrics."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.rules import full_ranking
from easyrec_lite.checks.view import Named, View
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]
USER_FIELDS = {"gauc": "uid_field", "session_auc": "session_id_field"}
REDUCTIONS = ("mean", "mean_by_sample_num", "mean_by_positive_num")
RECALLS = ("recall", "recall_neg_sam", "recall_in_batch")


def metrics(view: View) -> list[Named]:
    """Returns the metrics of `eval_config`, each named by its field, e.g. `recall_at_topk`."""
    found = []
    for index, entry in enumerate(view.config.eval_config.metrics_set):
        name = entry.WhichOneof("metric")
        if name:
            path = f"eval_config.metrics_set[{index}].{name}"
            found.append(Named(name, path, getattr(entry, name)))
    return found


def metric_names(view: View) -> list[str]:
    """Returns the names under which evaluation reports its metrics, e.g. `recall@10`."""
    names: list[str] = []
    for metric in metrics(view):
        if metric.name == "recall_at_topk":
            names += [f"{recall}@{metric.config.topk}" for recall in RECALLS]
        else:
            names.append(metric.name)
    return names + full_ranking.metric_names(view)


def named(view: View) -> Problems:
    """Each entry of `metrics_set` names a metric."""
    for index, entry in enumerate(view.config.eval_config.metrics_set):
        if entry.WhichOneof("metric") is None:
            known = [field.name for field in entry.DESCRIPTOR.oneofs_by_name["metric"].fields]
            yield view.error(
                f"eval_config.metrics_set[{index}]",
                "metrics_set names no metric",
                expected="one of " + ", ".join(known),
                remedy="name one, e.g. auc {}",
            )


def kinds(view: View) -> Problems:
    """Listwise metrics belong to listwise losses, the others to pointwise ones."""
    for metric in metrics(view):
        if metric.name == "recall_at_topk" and not view.listwise:
            yield _listwise_metric(view, metric)
        if metric.name != "recall_at_topk" and view.listwise:
            yield view.error(
                metric.path,
                f"{metric.name} needs a score for each row alone, and SOFTMAX_CROSS_ENTROPY ranks "
                "a row's positive among candidates",
                expected="recall_at_topk",
                found=metric.name,
                remedy="use recall_at_topk { topk: 10 }, or a pointwise loss_type",
            )


def _listwise_metric(view: View, metric: Named) -> Problem:
    if view.loss_is_default:
        return view.warning(
            metric.path,
            "recall_at_topk is not computed: without loss_type the model is pointwise "
            "(CLASSIFICATION)",
            remedy="set model_config.loss_type: SOFTMAX_CROSS_ENTROPY, or use auc {}",
        )
    return view.error(
        metric.path,
        f"recall_at_topk ranks candidates, and loss {view.losses[0].name} has none",
        expected="auc, gauc, … for pointwise losses",
        remedy="set model_config.loss_type: SOFTMAX_CROSS_ENTROPY, or use auc {}",
    )


def parameters(view: View) -> Problems:
    """Metrics read columns that exist, and have sensible sizes."""
    for metric in metrics(view):
        field = USER_FIELDS.get(metric.name)
        if field:
            yield from _grouped(view, metric, field)
        if metric.name == "recall_at_topk" and metric.config.topk == 0:
            yield view.error(f"{metric.path}.topk", "topk is 0", expected="a positive number")
        if metric.name == "auc" and metric.config.num_thresholds < 2:
            yield view.error(
                f"{metric.path}.num_thresholds",
                f"num_thresholds is {metric.config.num_thresholds}",
                expected="2 or more",
            )


def _grouped(view: View, metric: Named, field: str) -> Problems:
    name = getattr(metric.config, field)
    if name not in view.fields:
        yield view.unknown(
            f"{metric.path}.{field}",
            f"input field in {field}:",
            name,
            view.fields,
            remedy="name a field of data_config.input_fields",
        )
    if metric.config.reduction not in REDUCTIONS:
        yield view.unknown(
            f"{metric.path}.reduction", "reduction", metric.config.reduction, REDUCTIONS
        )


RULES = (named, kinds, parameters)
