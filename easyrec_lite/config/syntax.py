"""The syntax tree of a config, for all its notations: text, JSON, values of the command line.

The tree does not depend on the schema. Offsets count characters from the start of the text.
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
    """How a scalar is written, which decides the types of field that it fits."""

    QUOTED = "a quoted string of the text format: fits string fields only"
    BARE = "a word or number: fits every field but strings"
    STRING = "a string of JSON or the command line: fits any field that its text is valid for"
    NUMBER = "a number from the command line: fits numbers, and strings as its text"


@dataclass
class ScalarNode:
    """A single value; `text` is unescaped for strings, and as written for words and numbers."""

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
    """`name: value`; `start` is the offset of the name, `end` that of the value's end."""

    name: str
    value: ScalarNode | MessageNode | ListNode
    start: int = 0
    end: int = 0


@dataclass
class MessageNode:
    """The fields between two braces, or of the whole file; the offsets include the braces."""

    entries: list[FieldNode] = field(default_factory=list)
    start: int = 0
    end: int = 0


Value = ScalarNode | MessageNode | ListNode


@dataclass
class SyntaxTree:
    """A parsed text.

    Attributes:
      root: its fields.
      problems: errors and warnings, in the order in which they are met.
      trusted_end: offset up to which the nesting of blocks is certain; -1 for nowhere.
    """

    root: MessageNode
    problems: list[Problem]
    trusted_end: int


class Locator:
    """Converts offsets in the text of a file to places."""

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
        """Returns the indentation, in characters, of the line of `offset`."""
        start = self.text.rfind("\n", 0, offset) + 1
        blank = BLANKS.match(self.text, start)
        return len(blank.group()) if blank else 0

    def problem(self, offset: int, message: str, **details: str) -> Problem:
        """Returns a problem at `offset`."""
        return Problem(message, self.place(offset), **details)
