"""What an optimiser declares of itself."""

from __future__ import annotations

from typing import ClassVar

from easyrec_lite.checks.specs.base import Spec
from easyrec_lite.core.registry import ComponentRegistry


class OptimizerSpec(Spec):
    """An optimiser, named by the field of `optimizer_config` that holds its parameters.

    Its computation takes that message and returns an update rule.

    Attributes:
      slots: the values that it keeps beside each weight.
    """

    slots: ClassVar[tuple[str, ...]] = ()


OPTIMIZERS: ComponentRegistry[OptimizerSpec] = ComponentRegistry(
    "optimizer", "easyrec_lite.training.optimizers"
)
