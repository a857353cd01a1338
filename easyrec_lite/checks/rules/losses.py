"""Rules about losses and distillation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from easyrec_lite.checks.view import LISTWISE, POINTWISE, View, enum_name
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]
PARAMETERS = {
    "f1_reweighted_loss": "F1_REWEIGHTED_LOSS",
    "binary_focal_loss": "BINARY_FOCAL_LOSS",
    "pairwise_loss": "PAIR_WISE_LOSS",
    "pairwise_focal_loss": "PAIRWISE_FOCAL_LOSS",
    "pairwise_logistic_loss": "PAIRWISE_LOGISTIC_LOSS",
    "pairwise_hinge_loss": "PAIRWISE_HINGE_LOSS",
    "listwise_rank_loss": "LISTWISE_RANK_LOSS",
    "listwise_distill_loss": "LISTWISE_DISTILL_LOSS",
}
PREDICTIONS = ("logits", "probs", "y")


def known_losses(view: View) -> Problems:
    """Each loss is one that the models have."""
    for loss in view.losses:
        if loss.name not in (*LISTWISE, *POINTWISE):
            yield view.error(
                loss.path,
                f"loss {loss.name} is not offered",
                expected="one of " + ", ".join((*POINTWISE, *LISTWISE)),
                remedy="use another loss_type",
            )


def one_kind(view: View) -> Problems:
    """Listwise and pointwise losses are not mixed."""
    if not view.listwise:
        return
    for loss in view.losses:
        if loss.name in POINTWISE:
            yield view.error(
                loss.path,
                f"loss {loss.name} scores each row alone, and another loss ranks each row's "
                "positive among candidates",
                expected="losses of one kind",
                remedy="remove it, or remove SOFTMAX_CROSS_ENTROPY",
            )


def one_list(view: View) -> Problems:
    """The losses are listed, or there is one `loss_type`; each has a name of its own."""
    if not view.model_config.losses:
        return
    if view.model_config.HasField("loss_type"):
        named = enum_name(view.model_config, "loss_type")
        same_kind = (named in LISTWISE) == view.listwise
        yield (
            view.warning(
                "model_config.loss_type",
                "loss_type has no effect beside losses",
                remedy="leave loss_type out",
            )
            if same_kind
            else view.error(
                "model_config.loss_type",
                f"loss_type {named} contradicts the listed losses",
                found=", ".join(loss.name for loss in view.losses),
                remedy="leave loss_type out",
            )
        )
    yield from _distinct_names(view)


def _distinct_names(view: View) -> Problems:
    seen: set[str] = set()
    for loss in view.losses:
        name = loss.config.loss_name or loss.name
        if name in seen:
            yield view.error(
                loss.path, f"two losses are named {name!r}", remedy="give each a loss_name"
            )
        seen.add(name)


def parameters(view: View) -> Problems:
    """A loss has its own parameters, and its session field is a column."""
    for path, config in _parametrised(view):
        given = config.WhichOneof("loss_param")
        loss = enum_name(config, "loss_type")
        if given is None:
            continue
        if PARAMETERS.get(given, loss) != loss:
            yield view.error(
                f"{path}.{given}",
                f"{given} are the parameters of {PARAMETERS[given]}, and loss_type is {loss}",
                remedy="make them agree",
            )
        session = getattr(getattr(config, given), "session_name", "")
        if session and session not in view.fields:
            yield view.unknown(
                f"{path}.{given}.session_name", "input field in session_name:", session, view.fields
            )


def _parametrised(view: View) -> Iterator[tuple[str, Any]]:
    for name in ("losses", "kd"):
        for index, config in enumerate(getattr(view.model_config, name)):
            yield f"model_config.{name}[{index}]", config


def distillation(view: View) -> Problems:
    """Distillation reads a teacher's column and one of the model's predictions."""
    for index, config in enumerate(view.model_config.kd):
        path = f"model_config.kd[{index}]"
        for field in ("soft_label_name", "task_space_indicator_name"):
            name = getattr(config, field)
            if name and name not in view.fields:
                yield view.unknown(
                    f"{path}.{field}",
                    f"input field in {field}:",
                    name,
                    view.fields,
                    remedy="name a field of data_config.input_fields",
                )
        if config.pred_name not in PREDICTIONS:
            yield view.unknown(
                f"{path}.pred_name", "prediction in pred_name:", config.pred_name, PREDICTIONS
            )
        if enum_name(config, "loss_type") not in POINTWISE:
            yield view.error(
                f"{path}.loss_type",
                f"loss {enum_name(config, 'loss_type')} is not offered for distillation",
                expected="one of " + ", ".join(POINTWISE),
            )


RULES = (known_losses, one_kind, one_list, parameters, distillation)
