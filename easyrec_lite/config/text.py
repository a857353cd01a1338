"""Parses protobuf text format into a syntax tree, and continues after an error at the next field.

Grammar: protobuf's text-format specification, without extensions and `Any`, which the schema does
not use. `google.protobuf.text_format` is not used here: it stops at the first error, reports an
unclosed brace as an unknown field further down, suggests no names, and does not say where a field
is written, which the later checks of a config need.
"""

from __future__ import annotations

import re
from typing import NamedTuple

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
from easyrec_lite.core.errors import Problem

TOKEN = re.compile(
    r"""
    (?P<space>   (?: \s+ | \#[^\n]* )+ )
  | (?P<string>  " (?: [^"\\\n] | \\. )* "  |  ' (?: [^'\\\n] | \\. )* ' )
  | (?P<open>    ["'] [^\n]*? (?= [\s}]* $ ) )
  | (?P<word>    (?: -\s* )? (?: [\d.] (?: [\w.] | (?<=[eE])[+-] )* | [^\W\d] [\w.]* ) )
  | (?P<mark>    [{}<>\[\]:,;] )
  | (?P<junk>    . )
    """,
    re.VERBOSE | re.MULTILINE,
)
ESCAPE = re.compile(
    r"\\(?: (?P<octal>[0-7]{1,3}) | [xX](?P<byte>[0-9a-fA-F]{1,2})"
    r"| u(?P<short>[0-9a-fA-F]{4}) | U(?P<long>[0-9a-fA-F]{8}) | (?P<letter>.) )",
    re.VERBOSE | re.DOTALL,
)
LETTERS = dict(zip("abfnrtv\\'\"", "\a\b\f\n\r\t\v\\'\"", strict=True))
CLOSER = {"{": "}", "<": ">"}


class Token(NamedTuple):
    """A piece of the text.

    Attributes:
      kind: string, open (a string without its end), word, mark, junk (nothing of the grammar), end.
      text: as it is written.
      start, end: offsets of its first character and of the one after its last.
    """

    kind: str
    text: str
    start: int
    end: int


def parse_text(locator: Locator) -> SyntaxTree:
    """Parses the text of `locator` as protobuf text format."""
    parser = _TextParser(locator)
    root = parser.fields(MessageNode(), 0)
    parser.check_braces()
    return SyntaxTree(root, parser.problems, parser.trusted_end)


def unescape(literal: str) -> tuple[bytes, list[str]]:
    """Returns the bytes that a quoted string stands for, and the unknown escapes in it.

    An unknown escape such as `\\.` stands for both its characters, as in protobuf for Python.

    Raises:
      ValueError: an escape is incomplete or out of range.
    """
    body = literal[1:-1]
    pieces, unknown, at = [], [], 0
    for match in ESCAPE.finditer(body):
        pieces += [body[at : match.start()].encode(), _escaped(match)]
        unknown += [match.group()] if match["letter"] and match["letter"] not in LETTERS else []
        at = match.end()
    return b"".join([*pieces, body[at:].encode()]), unknown


def _escaped(match: re.Match[str]) -> bytes:
    letter = match["letter"]
    if letter and letter not in "xXuU":
        return LETTERS.get(letter, match.group()).encode()
    if match["octal"] or match["byte"]:
        code = int(match["octal"], 8) if match["octal"] else int(match["byte"], 16)
        if code < 256:
            return bytes([code])
    elif not letter:
        code = int(match["short"] or match["long"], 16)
        if code < 0x110000:
            return chr(code).encode("utf-8", "surrogatepass")
    raise ValueError(f"broken escape {match.group()} in a string")


def _tokens(text: str) -> list[Token]:
    tokens = [
        Token(match.lastgroup or "", match.group(), match.start(), match.end())
        for match in TOKEN.finditer(text)
        if match.lastgroup != "space"
    ]
    return [*tokens, Token("end", "", len(text), len(text))]


def _needs_colon(value: Value) -> bool:
    if isinstance(value, ListNode):
        return any(isinstance(item, ScalarNode) for item in value.values)
    return isinstance(value, ScalarNode)


class _TextParser:
    """A recursive-descent parser: each method consumes tokens, and reports those that do not fit.

    Attributes:
      at: index of the current token.
      closed: (name, closing brace) of each block that is closed.
      unclosed: names of blocks that the text ends in.
      unopened: closing braces without a block.
      trusted_end: offset up to which the nesting of blocks is certain.
    """

    def __init__(self, locator: Locator):
        self.locator = locator
        self.tokens = _tokens(locator.text)
        self.at = 0
        self.problems: list[Problem] = []
        self.closed: list[tuple[Token, Token]] = []
        self.unclosed: list[Token] = []
        self.unopened: list[Token] = []
        self.trusted_end = len(locator.text)

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.token
        self.at += token.kind != "end"
        return token

    def sees(self, marks: str) -> bool:
        return self.token.kind == "mark" and self.token.text in marks

    def accept(self, marks: str) -> bool:
        seen = self.sees(marks)
        self.at += seen
        return seen

    def report(self, token: Token, message: str, **details: str) -> None:
        self.problems.append(self.locator.problem(token.start, message, **details))

    def fields(
        self, block: MessageNode, depth: int, name: Token | None = None, closer: str = ""
    ) -> MessageNode:
        """Reads fields into `block`, the value of field `name`, up to `closer` or the end."""
        while self.token.kind != "end":
            if self.sees("}>"):
                if name:
                    return self.close(block, name, closer)
                self.unopened.append(self.take())
            elif self.token.kind == "word":
                self.entry(block, depth)
            elif not self.accept(",;"):
                self.unexpected()
        block.end = self.token.start
        if name:
            self.unclosed.append(name)
        return block

    def close(self, block: MessageNode, name: Token, closer: str) -> MessageNode:
        token = self.take()
        if token.text != closer:
            self.report(token, f"`{token.text}` closes a block", expected=closer, found=token.text)
        self.closed.append((name, token))
        block.end = token.end
        return block

    def unexpected(self) -> None:
        """Reports the current token and skips to the next one that can begin a field."""
        token = self.take()
        if token.kind == "open":
            self.report(token, "a string is not terminated", found=token.text)
        else:
            self.report(token, f"unexpected {token.text}", expected="a field name")
        while self.token.kind in ("string", "open", "junk") or self.sees(":[]"):
            self.at += 1

    def at_field(self) -> bool:
        """Whether a field begins here: a word, then a colon or a brace."""
        if self.token.kind != "word":
            return False
        after = self.tokens[self.at + 1]
        return after.kind == "mark" and after.text in ":{<"

    def entry(self, block: MessageNode, depth: int) -> None:
        name = self.take()
        colon = self.accept(":")
        value = self.value(name, depth)
        if value is None:
            return
        if not colon and _needs_colon(value):
            self.report(name, f"missing `:` after `{name.text}`", remedy=f"write `{name.text}: …`")
        block.entries.append(FieldNode(name.text, value, name.start, value.end))

    def value(self, name: Token, depth: int) -> Value | None:
        """Reads the value of field `name`; reports and returns None when there is none."""
        token = self.token
        if self.sees("{<"):
            self.at += 1
            return self.block(token, name, depth + 1)
        if self.accept("["):
            return self.items(token, name, depth)
        if token.kind in ("string", "open"):
            return self.string()
        if token.kind == "word" and not self.at_field():
            self.at += 1
            return ScalarNode(re.sub(r"\s", "", token.text), Quote.BARE, token.start, token.end)
        self.report(name, f"`{name.text}` has no value", found=token.text or "the end of the file")
        return None

    def block(self, opener: Token, name: Token, depth: int) -> MessageNode:
        block = MessageNode(start=opener.start)
        if depth < MAX_DEPTH:
            return self.fields(block, depth, name, CLOSER[opener.text])
        self.report(opener, f"blocks are nested more than {MAX_DEPTH} deep")
        block.end = self.skip(1, "{<", "}>")
        return block

    def skip(self, level: int, openers: str, closers: str) -> int:
        """Skips tokens until `level` more closers than openers are passed; returns the end."""
        end = self.token.end
        while level and self.token.kind != "end":
            level += self.sees(openers) - self.sees(closers)
            end = self.take().end
        return end

    def items(self, opener: Token, name: Token, depth: int) -> ListNode:
        items = ListNode(start=opener.start)
        more = not self.sees("]")
        while more and not self.at_field():
            if self.sees("["):
                self.report(self.token, f"a list within the list of `{name.text}`")
                self.skip(1, "[", "]")
                break
            value = self.value(name, depth)
            if value is None:
                break
            items.values.append(value)
            more = self.accept(",")
        items.end = self.token.end
        if not self.accept("]"):
            self.report(opener, f"the `[` of `{name.text}` is not closed", expected="`,` or `]`")
        return items

    def string(self) -> ScalarNode:
        """Reads a string; adjacent strings are joined."""
        first = last = self.token
        pieces = []
        while self.token.kind in ("string", "open"):
            last = self.take()
            pieces.append(self.piece(last))
            if last.kind == "open":
                break
        try:
            text = b"".join(pieces).decode()
        except UnicodeDecodeError:
            self.report(first, "the escapes of a string are not UTF-8 text", found=first.text)
            text = ""
        return ScalarNode(text, Quote.QUOTED, first.start, last.end)

    def piece(self, token: Token) -> bytes:
        if token.kind == "open":
            self.report(
                token,
                "a string is not terminated",
                found=token.text,
                remedy=f"close it with {token.text[0]} on the same line",
            )
            return b""
        remedy = r"write \\ for a backslash"
        try:
            value, unknown = unescape(token.text)
        except ValueError as error:
            self.report(token, str(error), remedy=remedy)
            return b""
        for escape in unknown:
            message = f"unknown escape {escape} is read as a backslash and the character after it"
            self.report(token, message, remedy=remedy, severity="warning")
        return value

    def check_braces(self) -> None:
        """Reports unbalanced braces; the indentation tells which one is wrong."""
        if not self.unclosed and not self.unopened:
            return
        suspect = next((pair for pair in self.closed if self.misaligned(*pair)), None)
        if suspect is not None:
            self.report_misaligned(*suspect)
            return
        for token in self.unclosed:
            self.report(token, f"the block `{token.text}` is not closed", expected="`}`")
        for token in self.unopened:
            self.report(token, f"`{token.text}` closes no block", remedy="delete it")
        self.trusted_end = min(token.start for token in [*self.unclosed, *self.unopened])

    def misaligned(self, opener: Token, closer: Token) -> bool:
        text = self.locator.text
        first_on_line = not text[text.rfind("\n", 0, closer.start) + 1 : closer.start].strip()
        indents = self.locator.indent(opener.start), self.locator.indent(closer.start)
        return first_on_line and "\n" in text[opener.start : closer.start] and len(set(indents)) > 1

    def report_misaligned(self, opener: Token, closer: Token) -> None:
        line = self.locator.place(closer.start).line
        missing = bool(self.unclosed)
        self.report(
            opener,
            f"unbalanced braces: the `{closer.text}` on line {line} closes `{opener.text}`, but is "
            "indented differently",
            remedy=f"close `{opener.text}` above line {line}" if missing else f"see line {line}",
        )
        self.trusted_end = opener.start if missing else closer.start
