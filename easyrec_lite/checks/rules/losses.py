"""Rules about losses and distillation, whichever losses there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from easyrec_lite.checks.field_table import LOSS, LOSS_TYPES
from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.specs.loss import LOSSES, loss_names
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem, nearest

Problems = Iterator[Problem]
PREDICTIONS = ("logits", "probs", "y")


def known(view: View) -> Problems:
    """Each loss is one that there is."""
    for loss in view.losses:
        if view.loss_spec(loss) is not None:
            continue
        why, remedy = LOSS_TYPES.get(loss.name, LOSS)
        given = loss.name in LOSS_TYPES
        yield view.error(
            loss.path,
            f"loss {loss.name} is not offered" + (f": {why}" if given else ""),
            expected="one of " + ", ".join(LOSSES.names()),
            found=loss.name,
            nearest="" if given else nearest(loss.name, LOSSES.names()),
            remedy=remedy,
        )


def own_rules(view: View) -> Problems:
    """Each loss finds nothing wrong with the config."""
    for loss in view.losses:
        spec = view.loss_spec(loss)
        if spec is not None:
            yield from spec.check(view, loss)


def one_kind(view: View) -> Problems:
    """Losses over candidates are not mixed with losses over rows."""
    if not view.listwise:
        return
    specs = ((loss.name, view.loss_spec(loss)) for loss in view.losses)
    ranking = [name for name, spec in specs if spec is not None and spec.scored == "candidates"]
    for loss in view.losses:
        spec = view.loss_spec(loss)
        if spec is not None and spec.scored == "row":
            yield view.error(
                loss.path,
                f"loss {loss.name} scores each row alone, and another loss ranks each row's "
                "positive among candidates",
                expected="losses of one kind",
                remedy="remove it, or remove " + " and ".join(ranking),
            )
    if view.model_config.kd:
        yield view.error(
            "model_config.kd[0]",
            "distillation needs a score for each row, and a loss over candidates gives none",
            found=view.losses[0].name,
            remedy="remove kd, or use a loss over rows",
        )


def softmax_options(view: View) -> Problems:
    """Only a loss over candidates has a softmax to correct."""
    if view.model_config.HasField("softmax") and not view.listwise:
        yield view.error(
            "model_config.softmax",
            f"softmax corrects the loss over candidates, and {view.losses[0].name} has none",
            expected="loss_type: " + " or ".join(loss_names("candidates")),
            found=view.losses[0].name + (" (the default)" if view.loss_is_default else ""),
            remedy="set the loss_type, or remove softmax",
        )


def one_list(view: View) -> Problems:
    """The losses are listed, or there is one `loss_type`; each has a name of its own."""
    if not view.model_config.losses:
        return
    if view.model_config.HasField("loss_type"):
        named = enum_name(view.model_config, "loss_type")
        spec = LOSSES.find(named)
        same_kind = spec is not None and (spec.scored == "candidates") == view.listwise
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
    """Losses and teachers are told apart by what logs call them."""
    seen: set[str] = set()
    named = [(loss.path, loss.config.loss_name, loss.name) for loss in view.losses]
    named += [
        (f"model_config.kd[{index}].loss_name", teacher.loss_name, "")
        for index, teacher in enumerate(view.model_config.kd)
        if teacher.loss_name
    ]
    for path, given, loss in named:
        spec = LOSSES.find(loss)
        name = given or (spec.shown(loss) if spec else loss)
        if name in seen:
            yield view.error(path, f"two losses are named {name!r}", remedy="give each a loss_name")
        seen.add(name)


def parameters(view: View) -> Problems:
    """A loss has its own parameters, and its session field is a column."""
    owners = {spec.message: spec.name for spec in LOSSES.specs() if spec.message}
    for path, config in _parametrised(view):
        given = config.WhichOneof("loss_param")
        loss = enum_name(config, "loss_type")
        if given is None or loss not in LOSSES:
            continue
        if LOSSES.spec(loss).message != given:
            yield view.error(
                f"{path}.{given}",
                f"{given} are the parameters of {owners.get(given, 'another loss')}, "
                f"and loss_type is {loss}",
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
    offered = loss_names("row")
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
        loss = enum_name(config, "loss_type")
        if loss not in offered:
            why = LOSS_TYPES.get(loss, ("",))[0]
            yield view.error(
                f"{path}.loss_type",
                f"loss {loss} is not offered for distillation" + (f": {why}" if why else ""),
                expected="one of " + ", ".join(offered),
            )


RULES = (
    own_rules,
    one_kind,
    softmax_options,
    one_list,
    parameters,
    distillation,
)
