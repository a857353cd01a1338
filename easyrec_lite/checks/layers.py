"""What can be checked of a `keras_layer` message without TensorFlow, and its arguments.

The convention for all layers: a class is made with the fields of its message, or of `st_params`,
as keyword arguments: lists for repeated fields, dicts for messages; plus `name` and, if the class
takes it, `seed`. Fields that are not set and have no default are left to the class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

from easyrec_lite.checks import fields
from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.config.pipeline import Pipeline
from easyrec_lite.core.errors import Problem
from easyrec_lite.protos.messages import KerasLayer


def check_layer(message: KerasLayer, pipeline: Pipeline, path: str) -> Iterator[Problem]:
    """Yields what is wrong with a `KerasLayer` message at config path `path`."""
    for problem in _problems(message):
        inner = f"{path}.{problem.path}" if problem.path else path
        yield replace(problem, path=inner, place=pipeline.place(inner))


def _problems(message: KerasLayer) -> Iterator[Problem]:
    name, given = message.class_name, message.WhichOneof("params")
    spec = LAYERS.find(name)
    if spec is None:
        yield replace(LAYERS.unknown(name), path="class_name")
        return
    if given is not None and not spec.takes(given):
        yield Problem(
            f"{name} does not take its parameters from {given}",
            path=given,
            expected=" or ".join(dict.fromkeys(filter(None, (spec.message, "st_params")))),
            found=given,
        )
        return
    try:
        problems = list(spec.check(arguments(message)))
    except (TypeError, ValueError, AttributeError) as error:
        # Values of st_params have no types in the schema: a rule may meet a text for a number.
        problems = [Problem(f"a parameter is of the wrong type: {error}")]
    for problem in problems:
        if given is None:
            expected = f"{spec.message or 'st_params'} {{…}} with {problem.expected}"
            problem = replace(problem, path="", expected=expected)
        elif given == "st_params" or not problem.path:
            problem = replace(problem, path=given)
        else:
            problem = replace(problem, path=f"{given}.{problem.path}")
        yield replace(problem, message=f"{name}: {problem.message}")


def arguments(message: KerasLayer) -> dict[str, Any]:
    """Returns the keyword arguments that a `KerasLayer` message holds."""
    given = message.WhichOneof("params")
    if given is None:
        return {}
    params = getattr(message, given)
    return plain(params) if given == "st_params" else fields_of(params)


def fields_of(message: Message) -> dict[str, Any]:
    """Returns the fields of a schema message that are implemented, set or with a default."""
    values: dict[str, Any] = {}
    given = {field.name for field, _ in message.ListFields()}
    for field in message.DESCRIPTOR.fields:
        known = field.has_default_value or field.name in given
        if known and fields.status(message.DESCRIPTOR.name, field.name).kind == "implemented":
            convert = fields_of if field.message_type else _same
            value = getattr(message, field.name)
            repeated = isinstance(field.default_value, list)
            values[field.name] = [convert(item) for item in value] if repeated else convert(value)
    return values


def _same(value: Any) -> Any:
    return value


def plain(struct: Struct) -> dict[str, Any]:
    """Returns a `google.protobuf.Struct` as a dict; whole floats become ints."""
    return {key: _plain_value(value) for key, value in struct.fields.items()}


def _plain_value(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return plain(value.struct_value)
    if kind == "list_value":
        return [_plain_value(item) for item in value.list_value.values]
    if kind == "number_value" and value.number_value.is_integer():
        return int(value.number_value)
    return None if kind in (None, "null_value") else getattr(value, kind)
