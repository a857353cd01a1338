"""The syntax tree that every notation of a config is read into: text, JSON, command-line values.

A tree knows nothing of the schema. Offsets are characters from the beginning of the text.
"""

from __future__ import annotations

import bisect
import enum
import re
from dataclasses import dataclass, field
from functools import cached_property

from easyrec_lite.core.errors import Place, Problem

MAX_DEPTH = 100
BLANKS = re.compile(r"[ \t]*")


class Quote(enum.Enum):
    """How a scalar is written, which decides what types of field it may fill."""

    QUOTED = "a quoted string of the text format: fits string fields only"
    BARE = "a word or number: fits every field but strings"
    STRING = "a string of JSON or the command line: fits any field that its text is valid for"
    NUMBER = "a number from the command line: fits numbers, and strings as its text"


@dataclass
class ScalarNode:
    """A single value; `text` is unescaped for strings, as written for words and numbers."""

    text: str
    quote: Quote
    start: int = 0
    end: int = 0


@dataclass
class ListNode:
    """A list of values, `[a, b]`."""

    values: list[ScalarNode | MessageNode | ListNode] = field(default_factory=list)
    start: int = 0
    end: int = 0


@dataclass
class FieldNode:
    """`name: value`; `start` is where the name begins, `end` where the value ends."""

    name: str
    value: ScalarNode | MessageNode | ListNode
    start: int = 0
    end: int = 0


@dataclass
class MessageNode:
    """The fields between two braces (or of the whole file); the offsets include the braces."""

    entries: list[FieldNode] = field(default_factory=list)
    start: int = 0
    end: int = 0


Value = ScalarNode | MessageNode | ListNode


@dataclass
class SyntaxTree:
    """What was read, what was wrong, and up to where its blocks can be trusted: -1 for nowhere."""

    root: MessageNode
    problems: list[Problem]
    trusted_end: int


class Locator:
    """Turns offsets in the text of a file into places."""

    def __init__(self, file: str, text: str):
        self.file = file
        self.text = text

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0] + [at + 1 for at, letter in enumerate(self.text) if letter == "\n"]

    def place(self, offset: int) -> Place:
        """Returns the place of character `offset`."""
        line = bisect.bisect_right(self._line_starts, offset)
        return Place(self.file, line, offset - self._line_starts[line - 1] + 1)

    def indent(self, offset: int) -> int:
        """Returns the indentation, in characters, of the line that holds `offset`."""
        start = self.text.rfind("\n", 0, offset) + 1
        blank = BLANKS.match(self.text, start)
        return len(blank.group()) if blank else 0

    def problem(self, offset: int, message: str, **details: str) -> Problem:
        """Returns a problem that stands at `offset`."""
        return Problem(message, self.place(offset), **details)
