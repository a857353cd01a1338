"""Writes a config as text, keeping the comments, the order and the layout of its source.

Only fields that the edits changed are printed anew, in these steps:
1. The source is read once more, into a syntax tree and into a message without the edits.
2. Both messages are compared field by field, down into each message that has an entry of its own.
3. A changed field is printed where it first stands, new ones before the brace that closes their
   message. The rest of the text stays as it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from google.protobuf import text_format
from google.protobuf.message import Message

from easyrec_lite.config.load import bind
from easyrec_lite.config.pipeline import Pipeline
from easyrec_lite.config.syntax import FieldNode, Locator, MessageNode
from easyrec_lite.config.text import parse_text
from easyrec_lite.config.values import Field, is_map, is_message, is_repeated
from easyrec_lite.core.files import atomic_write

# Name of the config that a run or an export saves.
CONFIG_FILE = "pipeline.config"
SEPARATOR = re.compile(r"\s*[,;]")
BLANK_LINE_END = re.compile(r"[ \t]*(?:\n|$)")


class Splice(NamedTuple):
    """A piece of the source and the text that takes its place."""

    start: int
    end: int
    text: str


def save(pipeline: Pipeline, path: str | os.PathLike[str]) -> None:
    """Writes `pipeline.config` to `path` in text format.

    Raises:
      RunError: it cannot be written.
    """
    atomic_write(Path(path), as_text(pipeline))


def as_text(pipeline: Pipeline) -> str:
    """Returns text that holds exactly `pipeline.config`, as close to its source as can be.

    A config that came as JSON has no text to keep, and is printed anew.

    Example:
      >>> from easyrec_lite.config.load import examine_text
      >>> pipeline, _ = examine_text('model_dir: "a"  # mine', edits={"model_dir": "b"})
      >>> print(as_text(pipeline))
      model_dir: "b"  # mine
    """
    source = pipeline.source
    original = None if source.file.endswith(".json") else bind(source.text, source.file)[0]
    if original is None:
        return _print(pipeline.config)
    locator = Locator(source.file, source.text)
    pieces, at = [], 0
    for splice in sorted(_changes(locator, parse_text(locator).root, original, pipeline.config)):
        pieces += [source.text[at : splice.start], splice.text]
        at = splice.end
    return "".join([*pieces, source.text[at:]])


def _changes(locator: Locator, block: MessageNode, old: Message, new: Message) -> Iterator[Splice]:
    """Yields what turns the text of `old`, which is written as `block`, into that of `new`."""
    added = type(new)()
    for field in new.DESCRIPTOR.fields:
        if _bytes(_only(old, field)) == _bytes(_only(new, field)):
            continue
        entries = [entry for entry in block.entries if entry.name == field.name]
        blocks = [entry.value for entry in entries if isinstance(entry.value, MessageNode)]
        before, after = _messages(old, field), _messages(new, field)
        if len(blocks) == len(entries) == len(before):
            # Each message has an entry of its own, if there are any: it is changed in its place.
            for child, *pair in zip(blocks, before, after, strict=False):
                yield from _changes(locator, child, *pair)
            for entry in entries[len(after) :]:
                yield _deleted(locator.text, entry)
            added.MergeFrom(_only(new, field, len(before)))
        else:
            yield from _replaced(locator, entries, _only(new, field))
    if _bytes(added):
        yield _added(locator, block, added)


def _replaced(locator: Locator, entries: Sequence[FieldNode], fields: Message) -> Iterator[Splice]:
    """Yields what puts `fields` in the place of the first entry, and deletes the others."""
    first, *others = entries
    printed = _print(fields, locator.indent(first.start)).strip()
    if printed:
        yield Splice(first.start, first.end, printed)
    for entry in others if printed else entries:
        yield _deleted(locator.text, entry)


def _deleted(text: str, entry: FieldNode) -> Splice:
    """Deletes an entry with its separator, and its lines when nothing else is on them."""
    separator = SEPARATOR.match(text, entry.end)
    start, end = entry.start, separator.end() if separator else entry.end
    line_start = text.rfind("\n", 0, start) + 1
    line_end = BLANK_LINE_END.match(text, end)
    if line_end and not text[line_start:start].strip():
        start, end = line_start, line_end.end()
    return Splice(start, end, "")


def _added(locator: Locator, block: MessageNode, fields: Message) -> Splice:
    """Puts `fields` before the brace that closes `block`, or at the end of the text."""
    inside = block.start > 0
    at = block.end - 1 if inside else len(locator.text)
    indent = locator.indent(at)
    line_start = locator.text.rfind("\n", 0, at) + 1
    if not locator.text[line_start:at].strip():
        return Splice(line_start, line_start, _print(fields, indent + 2 if inside else 0))
    text = _print(fields, indent + 2) + " " * indent if inside else _print(fields)
    return Splice(at, at, "\n" + text)


def _only(message: Message, field: Field, first: int = 0) -> Message:
    """Returns a copy of `message` that has nothing but `field`, its elements from `first` on."""
    copy = type(message)()
    value = getattr(message, field.name)
    if is_map(field):
        getattr(copy, field.name).MergeFrom(value)
    elif is_repeated(field):
        getattr(copy, field.name).extend(value[first:])
    elif message.HasField(field.name) and not first:
        if is_message(field):
            getattr(copy, field.name).CopyFrom(value)
        else:
            setattr(copy, field.name, value)
    return copy


def _bytes(message: Message) -> bytes:
    return message.SerializePartialToString(deterministic=True)


def _messages(message: Message, field: Field) -> list[Message]:
    """Returns the messages in `field`, each of which an entry of the source may hold."""
    if not is_message(field) or is_map(field):
        return []
    value = getattr(message, field.name)
    if is_repeated(field):
        return list(value)
    return [value] if message.HasField(field.name) else []


def _print(message: Message, indent: int = 0) -> str:
    return text_format.MessageToString(
        message, as_utf8=True, indent=indent, use_short_repeated_primitives=True
    )
