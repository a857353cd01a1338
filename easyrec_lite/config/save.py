"""Writes a config as text, keeping the comments and the layout of its source.

Only what the edits changed is rewritten: a changed scalar in its place, a new field before the
brace that closes its message, new elements of a list after the last one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from easyrec_lite.config.load import bind
from easyrec_lite.config.source import Pipeline
from easyrec_lite.config.syntax import Block, Entry, Items, Locator
from easyrec_lite.config.text import parse_text
from easyrec_lite.config.values import is_map, is_message, is_repeated
from easyrec_lite.core.files import atomic_write

# Name of the config that a run or an export saves.
CONFIG_FILE = "pipeline.config"
SEPARATOR = re.compile(r"\s*[,;]")
REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|$)")
BLANK_LINE_END = re.compile(r"[ \t]*(?:\n|$)")


def save(pipeline: Pipeline, path: str | os.PathLike[str]) -> None:
    """Writes `pipeline.config` to `path` in text format.

    Raises:
      RunError: it cannot be written.
    """
    atomic_write(Path(path), as_text(pipeline))


def as_text(pipeline: Pipeline) -> str:
    """Returns text that holds exactly `pipeline.config`, as close to its source as can be.

    A config that came as JSON has no text to keep, and is printed anew.
    """
    source = pipeline.source
    if source.file.endswith(".json"):
        return text_format.MessageToString(pipeline.config, as_utf8=True)
    locator = Locator(source.file, source.text)
    original, _, _ = bind(source.text, source.file)
    rewrite = _Rewrite(locator)
    rewrite.message(parse_text(locator).root, original, pipeline.config)
    return rewrite.result()


class _Rewrite:
    """Collects (start, end, replacement) in the source that turn `old` messages into `new`."""

    def __init__(self, locator: Locator):
        self.locator = locator
        self.text = locator.text
        self.splices: list[tuple[int, int, str]] = []

    def result(self) -> str:
        pieces, at = [], 0
        for start, end, replacement in sorted(self.splices, key=lambda splice: splice[:2]):
            pieces += [self.text[at:start], replacement]
            at = end
        return "".join([*pieces, self.text[at:]])

    def message(self, block: Block, old: Any, new: Any) -> None:
        for field in new.DESCRIPTOR.fields:
            if _bytes(_only(old, field)) == _bytes(_only(new, field)):
                continue
            entries = [entry for entry in block.entries if entry.name == field.name]
            blocks = [entry.value for entry in entries if isinstance(entry.value, Block)]
            if not is_message(field) or is_map(field) or len(blocks) < len(entries):
                self.replace(block, entries, _only(new, field))
            elif is_repeated(field):
                self.elements(block, entries, field, old, new)
            elif len(blocks) == 1 and new.HasField(field.name):
                self.message(blocks[0], getattr(old, field.name), getattr(new, field.name))
            else:
                self.replace(block, entries, _only(new, field))

    def elements(
        self, block: Block, entries: Sequence[Entry], field: Any, old: Any, new: Any
    ) -> None:
        before, after = getattr(old, field.name), getattr(new, field.name)
        for entry, old_element, new_element in zip(entries, before, after, strict=False):
            if isinstance(entry.value, Block):
                self.message(entry.value, old_element, new_element)
        for entry in entries[len(after) :]:
            self.delete(entry)
        added = type(new)()
        getattr(added, field.name).extend(after[len(entries) :])
        if entries:
            self.insert_after(entries[-1], added)
        else:
            self.insert_last(block, added)

    def replace(self, block: Block, entries: Sequence[Entry], fields: Any) -> None:
        """Puts `fields` where the first of `entries` stands; without entries, last in `block`."""
        if not _bytes(fields):
            for entry in entries:
                self.delete(entry)
        elif entries:
            first = entries[0]
            self.splices.append((first.start, first.end, self.printed_for(first, fields)))
            for entry in entries[1:]:
                self.delete(entry)
        else:
            self.insert_last(block, fields)

    def printed_for(self, entry: Entry, fields: Any) -> str:
        """Returns `fields` printed in the manner of `entry`, whose place they take."""
        field = fields.DESCRIPTOR.fields_by_name[entry.name]
        if isinstance(entry.value, Items) and not is_map(field):
            return _print_list(fields, entry.name)
        line_start = self.text.rfind("\n", 0, entry.start) + 1
        if self.text[line_start : entry.start].strip():
            return _print_in_line(fields)
        return _print(fields, self.locator.indent(entry.start)).strip()

    def delete(self, entry: Entry) -> None:
        """Deletes `entry` with its separator, and its lines when nothing else is on them."""
        start, end = entry.start, self.after(entry)
        line_start = self.text.rfind("\n", 0, start) + 1
        line_end = BLANK_LINE_END.match(self.text, end)
        if line_end and not self.text[line_start:start].strip():
            start, end = line_start, line_end.end()
        self.splices.append((start, end, ""))

    def after(self, entry: Entry) -> int:
        separator = SEPARATOR.match(self.text, entry.end)
        return separator.end() if separator else entry.end

    def insert_after(self, entry: Entry, fields: Any) -> None:
        line_end = REST_OF_LINE.match(self.text, self.after(entry))
        if line_end and line_end.group().endswith("\n"):
            printed = _print(fields, self.locator.indent(entry.start))
            self.splices.append((line_end.end(), line_end.end(), printed))
        else:
            self.insert(self.after(entry), _print_in_line(fields))

    def insert_last(self, block: Block, fields: Any) -> None:
        """Puts `fields` before the brace that closes `block`, or at the end of the text."""
        if not block.start and block.end == len(self.text):
            newline = "" if self.text.endswith("\n") or not self.text else "\n"
            self.splices.append((block.end, block.end, newline + _print(fields, 0)))
            return
        closer = block.end - 1
        line_start = self.text.rfind("\n", 0, closer) + 1
        if self.text[line_start:closer].strip():
            self.insert(closer, _print_in_line(fields))
        else:
            printed = _print(fields, self.locator.indent(closer) + 2)
            self.splices.append((line_start, line_start, printed))

    def insert(self, at: int, printed: str) -> None:
        before = "" if self.text[at - 1].isspace() else " "
        self.splices.append((at, at, f"{before}{printed} "))


def _only(message: Any, field: Any) -> Any:
    """Returns a copy of `message` that has nothing but `field`."""
    copy = type(message)()
    value = getattr(message, field.name)
    if is_repeated(field):
        getattr(copy, field.name).MergeFrom(value)
    elif message.HasField(field.name):
        if is_message(field):
            getattr(copy, field.name).CopyFrom(value)
        else:
            setattr(copy, field.name, value)
    return copy


def _bytes(message: Any) -> bytes:
    return message.SerializePartialToString(deterministic=True)


def _print(message: Any, indent: int) -> str:
    return text_format.MessageToString(message, as_utf8=True, indent=indent)


def _print_in_line(message: Any) -> str:
    return text_format.MessageToString(message, as_utf8=True, as_one_line=True).strip()


def _print_list(message: Any, name: str) -> str:
    """Returns the only field of `message`, repeated `name`, as `name: [a, b]`."""
    values = []
    for value in getattr(message, name):
        one = type(message)()
        getattr(one, name).extend([value])
        values.append(_print_in_line(one).removeprefix(name).removeprefix(":").lstrip())
    return f"{name}: [{', '.join(values)}]"
