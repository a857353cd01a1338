"""A piece of code in a config: its text, its syntax tree, and errors that show where they are."""

from __future__ import annotations

import ast
import unicodedata
import warnings
from dataclasses import dataclass, replace

from easyrec_lite.config import functions
from easyrec_lite.core.errors import ConfigError, Place, Problem

MAX_LENGTH = 2000
MAX_NODES = 500
MAX_DEPTH = 40
NOWHERE = Place()

_ALLOWED = (
    "arguments, numbers, strings, lists, tuples, indexes, arithmetic, comparisons, and/or/not, "
    "a if b else c, list comprehensions, len, range, zip, and listed tf functions"
)


@dataclass(frozen=True)
class Code:
    """A piece of code in a config.

    Attributes:
      text: the code.
      place: where in the config it stands.
      path: config path of its field.
      shift: how many characters were put before the user's text.
    """

    text: str
    place: Place = NOWHERE
    path: str = ""
    shift: int = 0

    def fault(self, message: str, node: ast.AST, remedy: str = "") -> ConfigError:
        """Returns the error that `node` may not stand where it does."""
        token = ast.get_source_segment(self.text, node) or self.text
        return self.error(message, token, self.column(node), remedy)

    def column(self, node: ast.AST) -> int:
        """Returns the column of `node` in the user's text, in characters, from 1."""
        line = self.text.splitlines()[getattr(node, "lineno", 1) - 1]
        head = line.encode()[: getattr(node, "col_offset", 0)]
        return max(1, len(head.decode(errors="replace")) + 1 - self.shift)

    def error(self, message: str, token: str, column: int, remedy: str = "") -> ConfigError:
        """Returns an error that shows `token` and its column inside the text."""
        found = f"{_short(token)} at column {column} of {_short(self.text[self.shift :])}"
        return ConfigError(Problem(message, self.place, self.path, _ALLOWED, found, remedy=remedy))

    def failure(self, message: str, node: ast.AST | None = None) -> ConfigError:
        """Returns the error that the code, or its part `node`, could not be computed."""
        found = _short(self.text[self.shift :])
        if node is not None:
            token = ast.get_source_segment(self.text, node) or self.text
            found = f"{_short(token)} at column {self.column(node)} of {found}"
        return ConfigError(
            Problem(f"cannot compute: {message}", self.place, self.path, found=found)
        )

    def unknown_function(self, name: str, node: ast.AST) -> ConfigError:
        """Returns the error that no function is called `name`, which stands at `node`."""
        found = f"{name!r} at column {self.column(node)} of {_short(self.text[self.shift :])}"
        problem = functions.unknown_function(name)
        return ConfigError(replace(problem, place=self.place, path=self.path, found=found))


def _short(text: str, limit: int = 120) -> str:
    return repr(text if len(text) <= limit else text[:limit] + "…")


def parse(code: Code) -> ast.expr:
    """Returns the syntax tree of `code`, its size within the limits.

    Raises:
      ConfigError: it is no Python expression, or too long, too large or too deep.
    """
    if len(code.text) > MAX_LENGTH:
        raise code.error(f"longer than {MAX_LENGTH} characters", code.text, 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code.text, mode="eval").body
    except SyntaxError as error:
        column = max(1, (error.offset or 1) - code.shift)
        message = f"not an expression: {error.msg}"
        raise code.error(message, code.text[column - 1 + code.shift :], column) from error
    except (ValueError, MemoryError, RecursionError) as error:
        raise code.error(f"not an expression: {error}", code.text, 1) from error
    _check_size(tree, code)
    return tree


def _check_size(tree: ast.expr, code: Code) -> None:
    level: list[ast.AST] = [tree]
    total = 0
    for _ in range(MAX_DEPTH):
        total += len(level)
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            break
    if level:
        raise code.error(f"nested deeper than {MAX_DEPTH} levels", code.text, 1)
    if total > MAX_NODES:
        raise code.error(f"has more than {MAX_NODES} parts", code.text, 1)


def dotted(node: ast.AST) -> str:
    """Returns `a.b.c` for a chain of plain names, else ''."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def normal(name: str) -> str:
    """Returns `name` as Python's parser writes identifiers (Unicode NFKC)."""
    return unicodedata.normalize("NFKC", name)
