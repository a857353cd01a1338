"""From `eval_config.metrics_set` to metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from easyrec_lite.core.errors import ConfigError, Problem, nearest
from easyrec_lite.losses.terms import LISTWISE, loss_terms
from easyrec_lite.metrics.auc.metric import AUC, MaxF1
from easyrec_lite.metrics.base import Metric
from easyrec_lite.metrics.errors.metric import Decisions, Errors
from easyrec_lite.metrics.gauc.metric import GroupedAUC
from easyrec_lite.metrics.recall_at_topk.metric import RecallAtTopK

_POINTWISE: dict[str, Callable[[Any, str], Metric]] = {
    "auc": lambda params, label: AUC(label, params.num_thresholds),
    "max_f1": lambda params, label: MaxF1(label),
    "gauc": lambda params, label: GroupedAUC("gauc", label, params.uid_field, params.reduction),
    "session_auc": lambda params, label: GroupedAUC(
        "session_auc", label, params.session_id_field, params.reduction
    ),
    "mean_absolute_error": lambda params, label: Errors("mean_absolute_error", label),
    "mean_squared_error": lambda params, label: Errors("mean_squared_error", label),
    "root_mean_squared_error": lambda params, label: Errors("root_mean_squared_error", label),
    "accuracy": lambda params, label: Decisions("accuracy", label),
    "precision": lambda params, label: Decisions("precision", label),
    "recall": lambda params, label: Decisions("recall", label),
}
_LISTWISE: dict[str, Callable[[Any, str], Metric]] = {
    "recall_at_topk": lambda params, label: RecallAtTopK(params.topk),
}


def open_metrics(config: Any) -> list[Metric]:
    """Returns the metrics of an `EasyRecConfig` message, in its order.

    A listwise metric of a model that is pointwise only because it names no loss is left out:
    checking the config warns of it.

    Raises:
      ConfigError: a metric of pointwise models is asked of a listwise one or the reverse, or one
        that there is not.
    """
    model = config.model_config
    listwise = loss_terms(model)[0].loss_type == LISTWISE
    offered = _LISTWISE if listwise else _POINTWISE
    label = model.label_name or next(iter(config.data_config.label_fields), "")
    left_out = {} if model.losses or model.HasField("loss_type") else _LISTWISE
    entries = [(entry.WhichOneof("metric"), entry) for entry in config.eval_config.metrics_set]
    entries = [(name, entry) for name, entry in entries if name and name not in left_out]
    problems = [_unfit(name, offered, listwise) for name, _ in entries if name not in offered]
    if problems:
        raise ConfigError(problems)
    return [offered[name](getattr(entry, name), label) for name, entry in entries]


def _unfit(name: str, offered: dict[str, Any], listwise: bool) -> Problem:
    kind = "listwise" if listwise else "pointwise"
    return Problem(
        message=f"metric {name} is not one of a {kind} model's",
        path="eval_config.metrics_set",
        expected="one of " + ", ".join(offered),
        found=name,
        nearest=nearest(name, offered),
        remedy="use such a metric, or another model_config.loss_type",
    )
