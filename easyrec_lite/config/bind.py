"""Fills messages from a syntax tree, records where each field is written, collects problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from google.protobuf import message_factory
from google.protobuf.message import Message

from easyrec_lite.config.syntax import FieldNode, ListNode, MessageNode, Quote, ScalarNode, Value
from easyrec_lite.config.values import (
    Field,
    Mismatch,
    coerce,
    describe,
    is_map,
    is_message,
    is_repeated,
    is_required,
)
from easyrec_lite.core.errors import Place, Problem, nearest

STRUCT = "google.protobuf.Struct"
WORDS = {"true": True, "false": False, "null": None}


class Binder:
    """Fills messages from syntax trees.

    Args:
      place: returns the place of an offset in the text.
      json: whether the rules of protobuf's JSON form apply: camelCase names are known too, null
        clears a field, a list replaces the list, a `Struct` is a plain object.
      positions: config path → place of each field that is set already.

    Attributes:
      positions: config path → place of each field that is set.
      problems: errors and warnings, in the order in which they are met.
    """

    def __init__(
        self,
        place: Callable[[int], Place],
        json: bool = False,
        positions: Mapping[str, Place] | None = None,
    ):
        self.place = place
        self.json = json
        self.positions = dict(positions or {})
        self.problems: list[Problem] = []

    def fill(self, message: Message, block: MessageNode, path: str) -> None:
        """Merges `block` into `message`, whose config path is `path`."""
        for entry in block.entries:
            name = self.field_name(message.DESCRIPTOR, entry.name)
            if name is None:
                self.unknown(message, block, entry, path)
            else:
                self.assign(message, name, entry, path)

    def assign(self, message: Message, name: str, entry: FieldNode, path: str) -> None:
        """Sets field `name` of `message`, or adds to it, from `entry`."""
        field = message.DESCRIPTOR.fields_by_name[name]
        path = join(path, name)
        if self.json and (is_null(entry.value) or is_repeated(field)):
            self.clear(message, field, path)
            if is_null(entry.value):
                return
        self.note_displaced(message, field, entry, path)
        if is_map(field):
            self.put(message, field, entry, path)
        elif is_repeated(field):
            self.extend(message, field, entry, path)
        else:
            self.single(message, field, entry, path)

    def clear(self, message: Message, field: Field, path: str) -> None:
        """Clears a field and the positions of all that is in it."""
        message.ClearField(field.name)
        gone = [key for key in self.positions if key.startswith((f"{path}[", f"{path}."))]
        for key in [*gone, path]:
            self.positions.pop(key, None)

    def single(self, message: Message, field: Field, entry: FieldNode, path: str) -> None:
        """Sets a field that is not repeated: messages merge, the last of several scalars wins."""
        place = self.place(entry.start)
        if is_message(field):
            self.positions.setdefault(path, place)
            self.merge(getattr(message, field.name), field, entry.value, path)
            return
        before = self.positions.get(path)
        if before and before.file == place.file and place.line:
            self.warn(
                entry.start,
                path,
                f"`{field.name}` is set twice, on line {before.line} and on line {place.line}; "
                "the last one is used",
                remedy=f"delete it on line {before.line}",
            )
        self.positions[path] = place
        value = self.scalar(field, entry.value, path)
        if value is not None:
            setattr(message, field.name, value)

    def extend(self, message: Message, field: Field, entry: FieldNode, path: str) -> None:
        """Appends one or several elements to a repeated field."""
        elements = getattr(message, field.name)
        if self.json and isinstance(entry.value, MessageNode):
            self.mismatch(field, entry.value, path, Mismatch(f"a list of {describe(field)}"))
            return
        self.positions.setdefault(path, self.place(entry.start))
        for start, value in _elements(entry):
            element = f"{path}[{len(elements)}]"
            self.positions[element] = self.place(start)
            if is_message(field):
                self.merge(elements.add(), field, value, element)
                continue
            scalar = self.scalar(field, value, element)
            if scalar is not None:
                elements.append(scalar)

    def put(self, message: Message, field: Field, entry: FieldNode, path: str) -> None:
        """Adds to a map field, written as `fields { key: "a" value { … } }`."""
        for start, value in _elements(entry):
            pair: Any = message_factory.GetMessageClass(field.message_type)()
            element = f"{path}[{_key(value)}]"
            self.positions[element] = self.place(start)
            self.merge(pair, field, value, element)
            getattr(message, field.name)[pair.key].CopyFrom(pair.value)

    def merge(self, message: Message, field: Field, value: Value, path: str) -> None:
        """Merges `value` into `message`, the content of `field`."""
        if not isinstance(value, MessageNode):
            self.mismatch(field, value, path, Mismatch(describe(field)))
            return
        message.SetInParent()
        if self.json and message.DESCRIPTOR.full_name == STRUCT:
            struct: Any = message
            struct.update(plain(value))
        else:
            self.fill(message, value, path)

    def scalar(self, field: Field, value: Value, path: str) -> Any:
        """Returns the value of `field`; reports and returns None when it does not fit."""
        try:
            if isinstance(value, ScalarNode):
                return coerce(field, value)
            raise Mismatch(describe(field))
        except Mismatch as mismatch:
            self.mismatch(field, value, path, mismatch)
        return None

    def field_name(self, descriptor: Any, name: str) -> str | None:
        """Returns the schema's name of the field written as `name`, or None."""
        if name in descriptor.fields_by_name:
            return name
        field = descriptor.fields_by_camelcase_name.get(name) if self.json else None
        return field.name if field else None

    def unknown(self, message: Message, block: MessageNode, entry: FieldNode, path: str) -> None:
        """Reports an unknown field.

        The nearest known field is filled with its value, without further reports, so that later
        checks do not report it as missing.
        """
        known = [field.name for field in message.DESCRIPTOR.fields]
        close = nearest(entry.name, known)
        type_name = message.DESCRIPTOR.name
        self.report(
            entry.start,
            join(path, entry.name),
            f"{type_name} has no field `{entry.name}`",
            expected="one of " + ", ".join(known) if known else f"nothing: {type_name} is empty",
            found=entry.name,
            nearest=close,
        )
        if close and all(other.name != close for other in block.entries):
            before = list(self.problems)
            self.assign(message, close, entry, path)
            self.problems = before

    def note_displaced(self, message: Message, field: Field, entry: FieldNode, path: str) -> None:
        """Warns when `field` replaces another member of its oneof."""
        oneof = field.containing_oneof
        other = message.WhichOneof(oneof.name) if oneof else None
        if other in (None, field.name):
            return
        other_path = join(path.rpartition(".")[0], other)
        before = self.positions.get(other_path, Place()).line
        self.warn(
            entry.start,
            path,
            f"`{field.name}` replaces `{other}`{f' of line {before}' if before else ''}: "
            "only one of them can be set, the last one is used",
        )

    def mismatch(self, field: Field, value: Value, path: str, mismatch: Mismatch) -> None:
        """Reports that `value` does not fit `field`."""
        self.report(
            value.start,
            path,
            f"`{field.name}` cannot be {_shown(value)}",
            expected=mismatch.expected,
            found=_shown(value),
            nearest=mismatch.close,
            remedy=mismatch.remedy,
        )

    def error_count(self) -> int:
        """Returns how many of the problems are errors."""
        return sum(problem.severity == "error" for problem in self.problems)

    def warn(self, offset: int, path: str, message: str, **details: str) -> None:
        """Collects a warning."""
        self.report(offset, path, message, severity="warning", **details)

    def report(self, offset: int, path: str, message: str, **details: str) -> None:
        """Collects a problem at `offset`."""
        self.problems.append(Problem(message, self.place(offset), path, **details))


def join(path: str, name: str) -> str:
    """Returns the config path of field `name` of the message at `path`."""
    return f"{path}.{name}" if path else name


def is_null(value: Value) -> bool:
    """Whether `value` is the bare word null."""
    return isinstance(value, ScalarNode) and value.quote is Quote.BARE and value.text == "null"


def plain(value: Value) -> Any:
    """Returns `value`, of JSON or the command line, as dicts, lists, strings and numbers."""
    if isinstance(value, MessageNode):
        return {entry.name: plain(entry.value) for entry in value.entries}
    if isinstance(value, ListNode):
        return [plain(item) for item in value.values]
    if value.quote is Quote.STRING:
        return value.text
    return WORDS[value.text] if value.text in WORDS else float(value.text)


def missing_required(
    message: Message, positions: Mapping[str, Place], place: Callable[[str], Place], path: str = ""
) -> Iterator[Problem]:
    """Yields a problem for each required field that is not set and has no default.

    Fields with a position are skipped: they are written, and their value is reported elsewhere.
    """
    for field in message.DESCRIPTOR.fields:
        here = join(path, field.name)
        if is_required(field) and not field.has_default_value and not message.HasField(field.name):
            if here not in positions:
                yield _missing(message, field, here, place(path))
        elif is_message(field) and not is_map(field):
            for element, child in children(message, field, here):
                yield from missing_required(child, positions, place, element)


def children(message: Message, field: Field, path: str) -> Iterator[tuple[str, Message]]:
    """Yields (path, message) of each message in `field`, whose config path is `path`."""
    if is_repeated(field):
        for index, child in enumerate(getattr(message, field.name)):
            yield f"{path}[{index}]", child
    elif message.HasField(field.name):
        yield path, getattr(message, field.name)


def _missing(message: Message, field: Field, path: str, place: Place) -> Problem:
    return Problem(
        f"{message.DESCRIPTOR.name} needs `{field.name}`",
        place,
        path,
        expected=describe(field),
        found="nothing",
        remedy=f"add `{field.name}{' { … }' if is_message(field) else ': …'}`",
    )


def _elements(entry: FieldNode) -> list[tuple[int, Value]]:
    if isinstance(entry.value, ListNode):
        return [(value.start, value) for value in entry.value.values]
    return [(entry.start, entry.value)]


def _key(value: Value) -> str:
    entries = value.entries if isinstance(value, MessageNode) else []
    keys = [entry.value for entry in entries if entry.name == "key"]
    return keys[-1].text if keys and isinstance(keys[-1], ScalarNode) else ""


def _shown(value: Value) -> str:
    if isinstance(value, MessageNode):
        return "a block { … }"
    if isinstance(value, ListNode):
        return "a list"
    return f'"{value.text}"' if value.quote in (Quote.QUOTED, Quote.STRING) else value.text
