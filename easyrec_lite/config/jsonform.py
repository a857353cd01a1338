"""Parses JSON into the syntax tree of configs, and builds one from Python values.

`json` and `google.protobuf.json_format` are not used for files: they do not say where a field is
written, which the later checks of a config need.
"""

from __future__ import annotations

import json
import re
from typing import Any

from easyrec_lite.config.syntax import (
    MAX_DEPTH,
    FieldNode,
    ListNode,
    Locator,
    MessageNode,
    Quote,
    ScalarNode,
    SyntaxTree,
    Value,
)
from easyrec_lite.core.errors import ConfigError

TOKEN = re.compile(
    r"""\s*(?: (?P<string> "(?:[^"\\\n]|\\.)*" )
             | (?P<word> -?[0-9][0-9.eE+-]* | true\b | false\b | null\b )
             | (?P<mark> [{}\[\]:,] ) )""",
    re.VERBOSE,
)


def parse_json(locator: Locator) -> SyntaxTree:
    """Parses the text of `locator` as a JSON object, up to the first error."""
    reader = _JsonParser(locator)
    try:
        root = reader.value(0)
        reader.end()
    except ConfigError as error:
        return SyntaxTree(MessageNode(), list(error.problems), -1)
    if isinstance(root, MessageNode):
        return SyntaxTree(root, [], len(locator.text))
    problem = locator.problem(0, "a config is a JSON object", expected="{ … }")
    return SyntaxTree(MessageNode(), [problem], -1)


def tree(value: Any) -> Value:
    """Returns the syntax tree of a value made of dicts, lists, strings, numbers and booleans.

    Example:
      >>> tree({"a": 1.0}).entries[0].value.text
      '1'
    """
    if isinstance(value, dict):
        return MessageNode([FieldNode(str(name), tree(child)) for name, child in value.items()])
    if isinstance(value, list | tuple):
        return ListNode([tree(child) for child in value])
    if isinstance(value, str):
        return ScalarNode(value, Quote.STRING)
    if isinstance(value, bool) or value is None:
        return ScalarNode(json.dumps(value), Quote.BARE)
    return ScalarNode(_number(repr(value)), Quote.NUMBER)


def _number(text: str) -> str:
    """Returns a whole number such as 1e3 or 5.0 without point and exponent; others unchanged."""
    if text.lstrip("-").isdigit() or not float(text).is_integer():
        return text
    return str(int(float(text))) if float(text) else text


class _JsonParser:
    """A recursive-descent parser; `text`, `kind`, `start` and `at` describe the current token."""

    def __init__(self, locator: Locator):
        self.locator = locator
        self.at = 0
        self.next()

    def next(self) -> None:
        text = self.locator.text
        match = TOKEN.match(text, self.at)
        if match and match.lastgroup:
            self.kind, self.start, self.at = (
                match.lastgroup,
                match.start(match.lastgroup),
                match.end(),
            )
        else:
            self.kind, self.start = "end", len(text) - len(text[self.at :].lstrip())
            self.at = self.start
        self.text = text[self.start : self.at]

    def fail(self, expected: str) -> ConfigError:
        found = self.text or self.locator.text[self.start : self.start + 1] or "the end of the file"
        return ConfigError(
            self.locator.problem(self.start, "invalid JSON", expected=expected, found=found)
        )

    def accept(self, mark: str) -> bool:
        accepted = self.kind == "mark" and self.text == mark
        if accepted:
            self.next()
        return accepted

    def expect(self, mark: str) -> int:
        end = self.at
        if not self.accept(mark):
            raise self.fail(f"`{mark}`")
        return end

    def end(self) -> None:
        if self.start < len(self.locator.text):
            raise self.fail("the end of the file")

    def value(self, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise self.fail(f"at most {MAX_DEPTH} nested levels")
        start, end, text, kind = self.start, self.at, self.text, self.kind
        if self.accept("{"):
            return self.block(start, depth)
        if self.accept("["):
            return self.items(start, depth)
        if kind == "string":
            return ScalarNode(self.string(), Quote.STRING, start, end)
        if kind == "word":
            return ScalarNode(self.word(text), Quote.BARE, start, end)
        raise self.fail("a value")

    def string(self) -> str:
        try:
            value = json.loads(self.text)
        except json.JSONDecodeError:
            raise self.fail("a string with valid escapes") from None
        self.next()
        return value

    def word(self, text: str) -> str:
        try:
            text = text if isinstance(json.loads(text), bool | None) else _number(text)
        except ValueError:
            raise self.fail("a number") from None
        self.next()
        return text

    def block(self, start: int, depth: int) -> MessageNode:
        block = MessageNode(start=start)
        more = not (self.kind == "mark" and self.text == "}")
        while more:
            name_start = self.start
            if self.kind != "string":
                raise self.fail("a field name in quotes")
            name = self.string()
            self.expect(":")
            value = self.value(depth + 1)
            block.entries.append(FieldNode(name, value, name_start, value.end))
            more = self.accept(",")
        block.end = self.expect("}")
        return block

    def items(self, start: int, depth: int) -> ListNode:
        items = ListNode(start=start)
        more = not (self.kind == "mark" and self.text == "]")
        while more:
            items.values.append(self.value(depth + 1))
            more = self.accept(",")
        items.end = self.expect("]")
        return items
