"""Rules about the names of activations and initialisers, wherever a message holds one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from google.protobuf.message import Message

from easyrec_lite.checks.keras_names import INITIALIZERS, activation_names, short_name
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem, nearest
from easyrec_lite.protos import PACKAGE

Problems = Iterator[Problem]


class Text(NamedTuple):
    """A string of the config: its path, its field such as `MLP.activation`, and itself."""

    path: str
    field: str
    value: str


def texts(message: Message, prefix: str = "") -> Iterator[Text]:
    """Yields all single strings that are set in or below a message."""
    owner = message.DESCRIPTOR.full_name.removeprefix(f"{PACKAGE}.")
    for field, value in message.ListFields():
        path = prefix + field.name
        if isinstance(value, str):
            yield Text(path, f"{owner}.{field.name}", value)
        elif field.message_type and field.message_type.full_name.startswith(PACKAGE):
            repeated = isinstance(field.default_value, list)
            items = list(value) if repeated else [value]
            for index, item in enumerate(items):
                yield from texts(item, f"{path}[{index}]." if repeated else f"{path}.")


def activations(view: View) -> Problems:
    """Activations are known by name."""
    known = activation_names()
    for text in texts(view.config):
        short = short_name(text.value)
        if text.field.endswith("activation") and short and short not in known:
            yield view.unknown(
                text.path,
                "activation",
                text.value,
                known,
                nearest=nearest(short, known),
                remedy="use one of them",
            )


def initializers(view: View) -> Problems:
    """Initialisers of layers are known by name."""
    for text in texts(view.config):
        if text.field.endswith("initializer") and text.value not in INITIALIZERS:
            yield view.unknown(
                text.path, "initializer", text.value, INITIALIZERS, remedy="use one of them"
            )


RULES = (activations, initializers)
