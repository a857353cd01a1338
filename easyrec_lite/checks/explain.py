"""What a config field, message or enum means, and whether it has an effect here, as lines."""

from __future__ import annotations

import shutil
import textwrap
from collections import Counter
from collections.abc import Iterable

from easyrec_lite.checks.fields import Status, status
from easyrec_lite.config.documentation import documentation
from easyrec_lite.protos.docs import EnumDoc, EnumValueDoc, FieldDoc, MessageDoc, messages

OWN_NUMBERS = 5001
MARKS = {"implemented": "", "warned": " (no effect)", "refused": " (refused)"}


def counts() -> list[str]:
    """Returns how many fields have which status, and the fields that EasyRec does not have."""
    fields = [field for message in messages().values() for field in message.fields.values()]
    kinds = Counter(status(field.message, field.name).kind for field in fields)
    ours = [field for field in fields if field.number >= OWN_NUMBERS]
    return [
        f"{len(fields)} fields in {len(messages())} messages",
        f"  implemented  {kinds['implemented']:>4}",
        f"  no effect    {kinds['warned']:>4}",
        f"  refused      {kinds['refused']:>4}",
        "",
        f"{len(ours)} of them are not in EasyRec (their numbers start at {OWN_NUMBERS}):",
        *(f"  {field.full_name} = {field.number}" for field in ours),
    ]


def explain(path: str) -> list[str]:
    """Returns the lines that say what a field, message or enum means.

    Args:
      path: a config path, `Message.field`, `Message` or `Enum`; "" for the top-level fields.

    Raises:
      ConfigError: the schema has no such path.
    """
    doc = documentation(path)
    if isinstance(doc, FieldDoc):
        return _field_lines(doc)
    lines = [doc.name, "", *_wrapped(doc.comment)]
    if isinstance(doc, EnumDoc):
        return [*lines, "", "values:", *_values(doc.values)]
    return [*lines, *_fields(doc)]


def _field_lines(field: FieldDoc) -> list[str]:
    lines = [
        field.path or field.full_name,
        f"  field:    {field.full_name} = {field.number}",
        f"  type:     {field.label} {field.type}",
        f"  default:  {field.default or 'none'}",
        *_status_lines(status(field.message, field.name)),
    ]
    if field.siblings:
        lines.append(f"  oneof:    {field.oneof}, with {', '.join(field.siblings)}")
    lines += ["", *_wrapped(field.comment)]
    if field.values:
        lines += ["", "values:", *_values(field.values)]
    if field.type in messages():
        message = messages()[field.type]
        lines += ["", f"{message.name}:", *_wrapped(message.comment, "  "), *_fields(message)]
    return lines


def _status_lines(decision: Status) -> Iterable[str]:
    meaning = {"warned": "no effect here", "refused": "refused"}.get(decision.kind, decision.kind)
    yield f"  status:   {meaning}" + (f": {decision.note}" if decision.note else "")
    if decision.remedy:
        yield f"  remedy:   {decision.remedy}"


def _fields(message: MessageDoc) -> Iterable[str]:
    """Yields one line a field, with the first sentence of its comment."""
    if message.fields:
        yield from ("", "fields:")
    for field in message.fields.values():
        mark = MARKS[status(field.message, field.name).kind]
        comment = field.comment.split(". ")[0].removesuffix(".")
        yield f"  {field.name}: {field.label} {field.type}{mark}  {comment}"


def _values(values: Iterable[EnumValueDoc]) -> Iterable[str]:
    for value in values:
        yield f"  {value.name} = {value.number}"
        yield from _wrapped(value.comment, "      ")


def _wrapped(text: str, indent: str = "") -> list[str]:
    width = min(shutil.get_terminal_size().columns, 100)
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent)
