"""Which losses a config asks for: its `loss_type`, or its list of `losses`."""

from __future__ import annotations

from typing import Any, NamedTuple

from easyrec_lite.checks.specs.loss import LOSSES, Scored
from easyrec_lite.protos import enum_descriptor
from easyrec_lite.protos.messages import KD, EasyRecModel, Loss


class LossTerm(NamedTuple):
    """One loss: `weight` times the loss `loss_type` with `params`, shown as `name`."""

    name: str
    loss_type: str
    weight: float = 1.0
    params: Any = None
    session_name: str = ""

    @property
    def scored(self) -> Scored:
        """Whether the loss is over rows or over candidates."""
        return LOSSES.spec(self.loss_type).scored

    @property
    def listwise(self) -> bool:
        """Whether a row's positive competes with other candidates."""
        return self.scored == "candidates"


def loss_type_name(number: int) -> str:
    """Returns the name of a value of enum `LossType`."""
    return str(enum_descriptor("LossType").values_by_number[number].name)


def loss_params(message: Loss | KD) -> Any:
    """Returns the parameters that go with the `loss_type` of a `Loss` or `KD`, or None.

    Those not given have their defaults.
    """
    field = LOSSES.spec(loss_type_name(message.loss_type)).message
    return getattr(message, field) if field else None


def loss_terms(model_config: EasyRecModel) -> list[LossTerm]:
    """Returns the loss terms of an `EasyRecModel` message.

    Raises:
      ConfigError: there is no such loss.
    """
    if not model_config.losses:
        return [_term(Loss(loss_type=model_config.loss_type))]
    return [_term(loss) for loss in model_config.losses]


def _term(loss: Loss) -> LossTerm:
    name, params = loss_type_name(loss.loss_type), loss_params(loss)
    shown = loss.loss_name or LOSSES.spec(name).shown(name)
    return LossTerm(shown, name, loss.weight, params, getattr(params, "session_name", ""))
