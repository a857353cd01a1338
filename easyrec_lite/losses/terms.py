"""Which losses a config asks for: its `loss_type`, or its list of `losses`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.losses.scores import LOSSES
from easyrec_lite.protos import enum_descriptor

LISTWISE = "SOFTMAX_CROSS_ENTROPY"
_UNSERVED_OPTIONS = ("use_exponent", "transform_fn", "scale_logits")
_NAMES = {"CLASSIFICATION": "cross_entropy_loss", LISTWISE: "cross_entropy_loss"}


class LossTerm(NamedTuple):
    """One loss: `weight` times the loss `loss_type` with `params`, shown as `name`."""

    name: str
    loss_type: str
    weight: float = 1.0
    params: Any = None
    session_name: str = ""


def loss_type_name(number: int) -> str:
    """Returns the name of a value of enum `LossType`."""
    return str(enum_descriptor("LossType").values_by_number[number].name)


def loss_params(message: Any) -> Any:
    """Returns the parameters that go with the `loss_type` of a `Loss` or `KD`, or None.

    Those not given have their defaults.
    """
    name = loss_type_name(message.loss_type).lower()
    field = {"pair_wise_loss": "pairwise_loss"}.get(name, name)
    return getattr(message, field, None)


def loss_terms(model_config: Any) -> list[LossTerm]:
    """Returns the loss terms of an `EasyRecModel` message.

    Raises:
      ConfigError: a loss cannot train a two-tower model, has a learnt weight or the name of
        another, or is listed (or distilled) beside the listwise one.
    """
    if not model_config.losses:
        name = loss_type_name(model_config.loss_type)
        terms = [LossTerm(_shown_name(name), name)]
    else:
        terms = [_term(loss) for loss in model_config.losses]
    problems = [*_unsupported(model_config, terms), *_conflicts(terms, model_config.kd)]
    if problems:
        raise ConfigError(problems)
    return terms


def _term(loss: Any) -> LossTerm:
    name, params = loss_type_name(loss.loss_type), loss_params(loss)
    shown = loss.loss_name or _shown_name(name)
    return LossTerm(shown, name, loss.weight, params, getattr(params, "session_name", ""))


def _shown_name(loss_type: str) -> str:
    return _NAMES.get(loss_type, loss_type.lower())


def _unsupported(model_config: Any, terms: list[LossTerm]) -> list[Problem]:
    problems = [
        Problem(
            message=f"loss_type {term.loss_type} does not train a two-tower model",
            path="model_config.loss_type",
            expected="one of " + ", ".join([LISTWISE, *LOSSES.names()]),
            found=term.loss_type,
        )
        for term in terms
        if term.loss_type != LISTWISE and term.loss_type not in LOSSES
    ]
    problems += [
        Problem(
            message=f"{option} of {term.loss_type} is not served",
            path=f"model_config.losses.{term.loss_type.lower()}.{option}",
            remedy=f"leave {option} out",
        )
        for term in terms
        for option in _UNSERVED_OPTIONS
        if getattr(term.params, option, None)
    ]
    learnt = any(loss.learn_loss_weight for loss in model_config.losses)
    if learnt or model_config.loss_weight_strategy != 0:
        problems.append(
            Problem(
                message="loss weights that are learnt or random are not served",
                path="model_config.loss_weight_strategy",
                expected="Fixed, and no learn_loss_weight",
                remedy="give each of model_config.losses a weight",
            )
        )
    return problems


def _conflicts(terms: list[LossTerm], kd: Sequence[Any]) -> list[Problem]:
    problems = []
    if len(terms) > 1 and any(term.loss_type == LISTWISE for term in terms):
        problems.append(
            Problem(
                message=f"{LISTWISE} cannot be mixed with other losses",
                path="model_config.losses",
                found=", ".join(term.loss_type for term in terms),
                remedy="the others score a row alone; train them in a model of their own",
            )
        )
    if kd and terms[0].loss_type == LISTWISE:
        problems.append(
            Problem(
                message=f"kd needs a score for each row, and {LISTWISE} has none",
                path="model_config.kd",
                remedy="remove kd, or use a pointwise loss_type",
            )
        )
    names = [term.name for term in terms] + [teacher.loss_name for teacher in kd]
    problems += [
        Problem(
            message=f"two losses are named {name!r}",
            path="model_config.losses",
            remedy="give them a loss_name each",
        )
        for name in sorted({name for name in names if name and names.count(name) > 1})
    ]
    return problems
