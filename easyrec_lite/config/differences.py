"""The differences of two configs, at paths that an edit takes.

Elements of a list of messages are compared by their names, if each element of both lists has a name
of its own, such as `feature_name` or `input_name`; else by their places. A field that is not set
equals one that is set to its default; a message that is not set is compared as an empty one, unless
it is one of several that exclude each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from google.protobuf import text_format
from google.protobuf.message import Message

from easyrec_lite.config.bind import join
from easyrec_lite.config.values import Field, is_map, is_message, is_repeated

# The fields that name an element, in the order in which they are tried; `input_names` by its first.
NAMES = ("feature_name", "input_name", "group_name", "name", "loss_name", "input_names")
UNSET = "(not set)"
LONGEST = 200


class Difference(NamedTuple):
    """A field with two values, as text.

    Attributes:
      path: its config path, as an edit takes it.
      before: its value in the first config.
      after: its value in the second.
    """

    path: str
    before: str
    after: str


def differences(before: Message, after: Message, path: str = "") -> Iterator[Difference]:
    """Yields the differences of two messages of one type, in the order of the schema.

    Example:
      >>> from easyrec_lite.config import loads
      >>> one, two = (loads(f"train_config {{ num_steps: {n} }}").config for n in (5, 6))
      >>> list(differences(one, two))
      [Difference(path='train_config.num_steps', before='5', after='6')]
    """
    for field in before.DESCRIPTOR.fields:
        here = join(path, field.name)
        if is_repeated(field):
            yield from _lists(field, getattr(before, field.name), getattr(after, field.name), here)
        elif is_message(field):
            yield from _messages(field, before, after, here)
        elif getattr(before, field.name) != getattr(after, field.name):
            yield Difference(here, _value(field, before), _value(field, after))


def _messages(field: Field, before: Message, after: Message, path: str) -> Iterator[Difference]:
    given = [message.HasField(field.name) for message in (before, after)]
    one, other = (getattr(message, field.name) for message in (before, after))
    set_ones = [m if has else None for m, has in zip((one, other), given, strict=True)]
    found: list[Difference] = []
    if all(given) or (any(given) and field.containing_oneof is None):
        found = list(differences(one, other, path))
    yield from found
    if not found and given[0] != given[1]:
        yield Difference(path, *(_text(m) if m is not None else UNSET for m in set_ones))


def _lists(field: Field, before: Any, after: Any, path: str) -> Iterator[Difference]:
    if is_map(field) or not is_message(field):
        shown = [_scalars(field, values) for values in (before, after)]
        if shown[0] != shown[1]:
            yield Difference(path, *shown)
        return
    names = [_names(values) for values in (before, after)]
    if names[0] is None or names[1] is None:
        steps = [[f"[{at}]" for at in range(len(values))] for values in (before, after)]
    else:
        steps = [list(names[0]), list(names[1])]
    elements = [
        dict(zip(own, values, strict=True))
        for own, values in zip(steps, (before, after), strict=True)
    ]
    for step in dict.fromkeys([*steps[0], *steps[1]]):
        pair = [own.get(step) for own in elements]
        if pair[0] is not None and pair[1] is not None:
            yield from differences(pair[0], pair[1], path + step)
        else:
            shown = [UNSET if each is None else _text(each) for each in pair]
            yield Difference(path + step, *shown)


def _names(elements: Sequence[Message]) -> list[str] | None:
    """Returns the step that selects each element by its name; None if not all have their own."""
    found = [_name(element) for element in elements]
    if None in found or len(set(found)) < len(found):
        return None
    return [step for step in found if step is not None]


def _name(element: Message) -> str | None:
    known = element.DESCRIPTOR.fields_by_name
    for name in NAMES:
        value = getattr(element, name) if name in known else ""
        step = name
        if value and not isinstance(value, str):
            value, step = value[0], f"{name}[0]"
        if isinstance(value, str) and value:
            quoted = value if value.isidentifier() else f'"{value}"'
            return f"[{step}={quoted}]"
    return None


def _value(field: Field, message: Any) -> str:
    if field.has_presence and not message.HasField(field.name) and not field.has_default_value:
        return UNSET
    return _shown(field, getattr(message, field.name))


def _scalars(field: Field, values: Any) -> str:
    if is_map(field):
        return _cut(", ".join(f"{key}: {_text(values[key])}" for key in sorted(values)))
    return _cut("[" + ", ".join(_shown(field, value) for value in values) + "]")


def _shown(field: Field, value: Any) -> str:
    if field.enum_type is not None:
        return str(field.enum_type.values_by_number[value].name)
    if isinstance(value, bool):
        return str(value).lower()
    if field.cpp_type == field.CPPTYPE_FLOAT:
        return f"{value:.7g}"
    return str(value)


def _text(message: Any) -> str:
    if not isinstance(message, Message):
        return str(message)
    text = text_format.MessageToString(message, as_one_line=True, as_utf8=True)
    return _cut(f"{{ {text} }}" if text else "{ }")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
