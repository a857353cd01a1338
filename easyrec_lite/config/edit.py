"""Applies edits, config path → value, to a config. `config.paths` has the grammar of paths.

A value is converted to the type of its field: `"3"` to a number, names to enum values, words to
booleans. A dict sets the fields that it names and keeps the others: `{"a": {"b": 1}}` equals
`{"a.b": 1}`. A list replaces the whole list, null clears the field, and the index one past the end
of a list appends to it.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.message import Message

from easyrec_lite.config.bind import STRUCT, Binder, join
from easyrec_lite.config.jsonform import tree
from easyrec_lite.config.paths import EDIT, Predicate, Selector, Step, parse_path, refuse
from easyrec_lite.config.pipeline import ConfigSource
from easyrec_lite.config.syntax import FieldNode, Quote, ScalarNode
from easyrec_lite.config.values import (
    Field,
    Mismatch,
    coerce,
    describe,
    is_map,
    is_message,
    is_repeated,
)
from easyrec_lite.core.errors import ConfigError, Problem, nearest

COMPARISONS = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SHOWN = 20  # How many values an error message lists.


def apply_edits(
    config: Message, source: ConfigSource, edits: Mapping[str, object]
) -> tuple[ConfigSource, list[Problem]]:
    """Applies `edits` in order to `config`, in place.

    Returns:
      `source` with the positions of the edited fields, and all problems, including warnings.

    Example:
      >>> from easyrec_lite.protos.messages import EasyRecConfig
      >>> config = EasyRecConfig()
      >>> _, problems = apply_edits(config, ConfigSource("a", ""), {"train_config.num_steps": "20"})
      >>> config.train_config.num_steps, problems
      (20, [])
    """
    binder = Binder(lambda offset: EDIT, json=True, positions=source.positions)
    for key, value in edits.items():
        try:
            Edit(key, binder).apply(config, parse_path(key), value, "")
        except ConfigError as error:
            binder.problems += error.problems
    return dataclasses.replace(source, positions=binder.positions), binder.problems


@dataclasses.dataclass(frozen=True)
class Edit:
    """One edit: `key` is the path as it is given, `binder` sets the fields."""

    key: str
    binder: Binder

    def apply(self, message: Message, steps: tuple[Step, ...], value: object, path: str) -> None:
        """Sets the fields that `steps` select in `message`, whose config path is `path`."""
        if message.DESCRIPTOR.full_name == STRUCT:
            self.set_key(message, steps, value, path)
            return
        step, rest = steps[0], steps[1:]
        field = find_field(message, step.name, path, self.key)
        here = join(path, field.name)
        if is_repeated(field) and (step.selectors or rest):
            self.apply_to_elements(message, field, steps, value, here)
        elif step.selectors:
            raise self.refuse(here, f"`{field.name}` is not a list", found="an index in brackets")
        elif rest:
            self.require_message(field, rest, here)
            entry = FieldNode(field.name, tree({}))
            self.binder.note_displaced(message, field, entry, here)
            self.apply(getattr(message, field.name), rest, value, here)
        else:
            self.binder.assign(message, field.name, FieldNode(field.name, tree(value)), path)

    def apply_to_elements(
        self,
        message: Message,
        field: Field,
        steps: tuple[Step, ...],
        value: object,
        path: str,
    ) -> None:
        """Applies the edit to each selected element of repeated `field`, whose path is `path`."""
        elements = getattr(message, field.name)
        selectors, rest = steps[0].selectors, steps[1:]
        if len(selectors) != 1 or is_map(field):
            remedy = f"write `{field.name}[0]`, or `{field.name}[:]` for all"
            raise self.refuse(
                path, f"the path does not say which elements of `{field.name}`", remedy=remedy
            )
        if rest:
            self.require_message(field, rest, path)
        before = self.binder.error_count()
        for index in self.indexes(elements, selectors[0], path):
            if self.binder.error_count() > before:
                return  # The value fits no other element either: one report is enough.
            element = f"{path}[{index}]"
            if rest:
                child = elements[index] if index < len(elements) else elements.add()
                self.apply(child, rest, value, element)
            else:
                self.set_element(field, elements, index, value, element)

    def set_element(
        self, field: Field, elements: Any, index: int, value: object, path: str
    ) -> None:
        """Sets, merges into or appends element `index`."""
        node = tree(value)
        if is_message(field):
            child = elements[index] if index < len(elements) else elements.add()
            self.binder.merge(child, field, node, path)
        else:
            scalar = self.binder.scalar(field, node, path)
            if scalar is not None:
                elements[index:] = [scalar, *elements[index + 1 :]]
        self.binder.positions[path] = EDIT

    def set_key(self, struct: Any, steps: tuple[Step, ...], value: object, path: str) -> None:
        """Sets a key of a `Struct`, such as `st_params.units`."""
        for step in steps:
            path = join(path, step.name)
            if step.selectors:
                raise self.refuse(path, "an index inside a Struct", remedy="set the whole list")
        for step in steps[:-1]:
            struct = struct.get_or_create_struct(step.name)
        struct[steps[-1].name] = value
        self.binder.positions[path] = EDIT

    def indexes(self, elements: Any, selector: Selector, path: str) -> list[int]:
        """Returns the indexes of the selected elements.

        Raises:
          ConfigError: none is selected.
        """
        count = len(elements)
        if isinstance(selector, int):
            index = selector + count if selector < 0 else selector
            if 0 <= index <= count:
                return [index]
            have = f"0 … {count - 1}, or {count} to append" if count else "0 to append"
            raise self.refuse(path, f"no element [{selector}]", expected=have)
        if isinstance(selector, slice):
            indexes = list(range(count)[selector])
            details = {"expected": f"a slice of the {count} elements"}
        else:
            indexes = [at for at, item in enumerate(elements) if self.matches(item, selector, path)]
            details = self.candidates(elements, selector, path)
        if not indexes:
            raise self.refuse(path, "no element is selected", **details)
        return indexes

    def matches(self, element: object, predicate: Predicate, path: str) -> bool:
        """Whether the comparison holds for any value that the predicate's path selects."""
        if not isinstance(element, Message):
            raise self.refuse(path, "its elements have no fields to compare")
        compare = COMPARISONS[predicate.operator]
        operand = ScalarNode(predicate.operand, Quote.STRING)
        for field, value in self.read(element, predicate.path, path):
            try:
                if compare(value, coerce(field, operand)):
                    return True
            except Mismatch as mismatch:
                message = f"`{field.name}` cannot be compared with {predicate.operand!r}"
                raise self.refuse(path, message, expected=mismatch.expected) from None
        return False

    def read(
        self, message: Message, steps: tuple[Step, ...], path: str
    ) -> Iterator[tuple[Field, Any]]:
        """Yields (field, value) of each scalar that `steps` select; none past the end of a list."""
        step, rest = steps[0], steps[1:]
        field = find_field(message, step.name, path, self.key)
        value = getattr(message, field.name)
        values = list(value) if is_repeated(field) else [value]
        for selector in step.selectors:
            if isinstance(selector, Predicate):
                values = [item for item in values if self.matches(item, selector, path)]
            elif isinstance(selector, slice):
                values = values[selector]
            else:
                values = [values[selector]] if -len(values) <= selector < len(values) else []
        if is_message(field) != bool(rest):
            raise self.refuse(path, f"a comparison needs a single value: `{field.name}`")
        for item in values:
            if rest:
                yield from self.read(item, rest, path)
            else:
                yield field, item

    def candidates(self, elements: Any, predicate: Predicate, path: str) -> dict[str, str]:
        """Returns the details of an error: the values that the predicate could have selected."""
        read = (pair for item in elements for pair in self.read(item, predicate.path, path))
        values = list(dict.fromkeys(_shown(field, value) for field, value in read))
        dots = ", …" if len(values) > SHOWN else ""
        have = ", ".join(values[:SHOWN]) + dots if values else "nothing: the list is empty"
        found = f"{predicate.operator} {predicate.operand}"
        return {"expected": have, "found": found, "nearest": nearest(predicate.operand, values)}

    def require_message(self, field: Field, rest: tuple[Step, ...], path: str) -> None:
        """Raises an error when the path goes on below a field that holds no messages."""
        if not is_message(field):
            message = f"`{field.name}` has no field `{rest[0].name}`: it is {describe(field)}"
            raise self.refuse(path, message)

    def refuse(self, path: str, message: str, **details: str) -> ConfigError:
        """Returns the error that this edit cannot be applied at `path`."""
        return refuse(
            self.key, f"{message}, at `{path}`" if path != self.key else message, **details
        )


def find_field(message: Message, name: str, path: str, key: str) -> Field:
    """Returns the descriptor of field `name` of `message`.

    Raises:
      ConfigError: there is none; lists the fields that there are.
    """
    fields = message.DESCRIPTOR.fields_by_name
    if name in fields:
        return fields[name]
    known = [field.name for field in message.DESCRIPTOR.fields]
    where = f", at `{path}`" if path else ""
    raise refuse(
        key,
        f"{message.DESCRIPTOR.name} has no field `{name}`{where}",
        expected="one of " + ", ".join(known),
        found=name,
        nearest=nearest(name, known),
    )


def _shown(field: Field, value: Any) -> str:
    enum = field.enum_type
    known = enum.values_by_number.get(value) if enum else None
    return known.name if known else str(value)
