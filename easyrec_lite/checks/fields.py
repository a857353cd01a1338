"""Which fields of the schema have an effect here: implemented, warned about, or refused.

The decisions stand in the specs of components and, for all else, in `field_table`; this module
answers for one field, and walks a config.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from easyrec_lite.checks.field_table import FIELDS, LAYER, LOSS, METRIC, MODEL, SAMPLER, WHOLE
from easyrec_lite.checks.specs.base import Spec
from easyrec_lite.checks.specs.feature import SEQUENCE_COMBINERS
from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.checks.specs.metric import METRICS
from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.checks.specs.optimizer import OPTIMIZERS
from easyrec_lite.checks.specs.sampler import SAMPLERS
from easyrec_lite.checks.status import Status
from easyrec_lite.config.pipeline import Pipeline
from easyrec_lite.core.errors import Problem
from easyrec_lite.core.registry import ComponentRegistry
from easyrec_lite.protos import PACKAGE, message_class

__all__ = ["Status", "status", "walk"]

IMPLEMENTED = Status("implemented")
# The `oneof`s that hold the parameters of components: (message, oneof) → the components that may
# own a field there, and what becomes of the fields that none of them owns. The rules of `check`
# report these where the component is named, so that `walk` leaves them out.
OWNERS: dict[tuple[str, str], tuple[ComponentRegistry[Any], Status]] = {
    ("DatasetConfig", "sampler"): (SAMPLERS, Status("refused", *SAMPLER)),
    ("EasyRecModel", "model"): (MODELS, Status("refused", *MODEL)),
    ("Loss", "loss_param"): (LOSSES, Status("refused", *LOSS)),
    ("KD", "loss_param"): (LOSSES, Status("refused", *LOSS)),
    ("SequenceCombiner", "combiner"): (SEQUENCE_COMBINERS, Status("refused", *LAYER)),
    ("KerasLayer", "params"): (LAYERS, Status("refused", *LAYER)),
    ("EvalMetrics", "metric"): (METRICS, Status("refused", *METRIC)),
    ("Optimizer", "optimizer"): (OPTIMIZERS, Status("refused", "this optimizer is not offered")),
}


def status(message_name: str, field_name: str) -> Status:
    """Returns whether a field is implemented, warned about or refused, and why.

    Args:
      message_name: name inside the schema's package, e.g. `DatasetConfig.Field`.
      field_name: e.g. `input_name`.

    Raises:
      KeyError: the schema has no such field.
    """
    if field_name not in message_class(message_name).DESCRIPTOR.fields_by_name:
        raise KeyError(f"{message_name} has no field {field_name!r}")
    return _decision(message_name, field_name)


def walk(pipeline: Pipeline) -> list[Problem]:
    """Returns a problem for each field of the config that is warned about or refused.

    A scalar that stands at its default asks for nothing and passes. Nothing is said about what
    lies below a field that was reported.
    """
    return [_problem(decision, pipeline, path) for path, decision in _undone(pipeline.config, "")]


def declared() -> dict[str, dict[str, Status]]:
    """Returns the messages that components declare, each with its fields' statuses."""
    registries = {id(registry): registry for registry, _ in OWNERS.values()}.values()
    specs: list[Spec] = [spec for registry in registries for spec in registry.specs()]
    return {name: dict(table) for spec in specs for name, table in spec.messages.items()}


@cache
def _of_component(message_name: str) -> dict[str, Status] | None:
    return declared().get(message_name)


def _owner(message_name: str, field_name: str) -> tuple[ComponentRegistry[Any], Status] | None:
    field = message_class(message_name).DESCRIPTOR.fields_by_name[field_name]
    oneof = field.containing_oneof
    return OWNERS.get((message_name, oneof.name)) if oneof else None


def _decision(message_name: str, field_name: str) -> Status:
    owner = _owner(message_name, field_name)
    if owner is not None:
        registry, unowned = owner
        owned = any(spec.message == field_name for spec in registry.specs())
        return IMPLEMENTED if owned else unowned
    table = _of_component(message_name)
    if table is not None:
        return table[field_name]
    return WHOLE.get(message_name) or FIELDS[message_name][field_name]


def _undone(message: Message, prefix: str) -> Iterator[tuple[str, Status]]:
    """Yields (path, status) of the fields set below `message` without effect."""
    owner = message.DESCRIPTOR.full_name.removeprefix(f"{PACKAGE}.")
    for field, value in message.ListFields():
        decision = _decision(owner, field.name)
        if decision.kind != "implemented" and _owner(owner, field.name):
            continue
        items = _items(field, value, prefix + field.name)
        if decision.kind == "implemented":
            for path, item in items:
                if _is_message_of_ours(field):
                    yield from _undone(item, f"{path}.")
            continue
        asked = [path for path, item in items if not _is_default(field, item)]
        if asked:
            yield asked[0], decision


def _items(field: FieldDescriptor, value: Any, path: str) -> list[tuple[str, Any]]:
    if isinstance(field.default_value, list):
        return [(f"{path}[{index}]", item) for index, item in enumerate(value)]
    return [(path, value)]


def _is_default(field: FieldDescriptor, value: Any) -> bool:
    return field.message_type is None and value == field.default_value


def _is_message_of_ours(field: FieldDescriptor) -> bool:
    kind = field.message_type
    return kind is not None and kind.full_name.startswith(f"{PACKAGE}.")


def _problem(decision: Status, pipeline: Pipeline, path: str) -> Problem:
    warned = decision.kind == "warned"
    return Problem(
        message=f"{'no effect here' if warned else 'not offered'}: {decision.note}",
        place=pipeline.place(path),
        path=path,
        remedy=decision.remedy,
        severity="warning" if warned else "error",
    )
