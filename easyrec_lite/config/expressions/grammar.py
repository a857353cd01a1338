"""Which Python expressions a config may hold: a whitelist over `ast`; everything else is refused.

Nothing here evaluates anything, and nothing imports TensorFlow.
"""

from __future__ import annotations

import ast
import unicodedata
import warnings
from collections.abc import Collection
from dataclasses import dataclass, replace

from easyrec_lite.config import functions
from easyrec_lite.core.errors import ConfigError, Place, Problem, nearest

MAX_LENGTH = 2000
MAX_NODES = 500
MAX_DEPTH = 40
MAX_INTEGER = 2**63
NOWHERE = Place()
BUILTINS = ("len", "range", "zip")

_ALLOWED = (
    "arguments, numbers, strings, lists, tuples, indexes, arithmetic, comparisons, and/or/not, "
    "a if b else c, list comprehensions, len, range, zip, and listed tf functions"
)
_OPERATORS = (
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult),
    *(ast.BitAnd, ast.BitOr, ast.UAdd, ast.USub, ast.Not, ast.Invert, ast.And, ast.Or),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
)


@dataclass(frozen=True)
class Source:
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

    def failure(self, message: str) -> ConfigError:
        """Returns the error that the code, though well formed, could not be computed."""
        found = _short(self.text[self.shift :])
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


def parse(source: Source) -> ast.expr:
    """Returns the syntax tree of `source`, its size within the limits.

    Raises:
      ConfigError: it is no Python expression, or too long, too large or too deep.
    """
    if len(source.text) > MAX_LENGTH:
        raise source.error(f"longer than {MAX_LENGTH} characters", source.text, 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source.text, mode="eval").body
    except SyntaxError as error:
        column = max(1, (error.offset or 1) - source.shift)
        message = f"not an expression: {error.msg}"
        raise source.error(message, source.text[column - 1 + source.shift :], column) from error
    except (ValueError, MemoryError, RecursionError) as error:
        raise source.error(f"not an expression: {error}", source.text, 1) from error
    _check_size(tree, source)
    return tree


def _check_size(tree: ast.expr, source: Source) -> None:
    level: list[ast.AST] = [tree]
    total = 0
    for _ in range(MAX_DEPTH):
        total += len(level)
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            break
    if level:
        raise source.error(f"nested deeper than {MAX_DEPTH} levels", source.text, 1)
    if total > MAX_NODES:
        raise source.error(f"has more than {MAX_NODES} parts", source.text, 1)


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


class Checker(ast.NodeVisitor):
    """Walks a tree and raises at the first node that is not allowed.

    Args:
      source: where the tree comes from.
      names: the arguments that it may read.
    """

    def __init__(self, source: Source, names: Collection[str]):
        self._source = source
        self._names = frozenset(map(normal, names))

    def generic_visit(self, node: ast.AST) -> None:
        """Refuses what has no method of its own."""
        if not isinstance(node, (ast.expr_context, *_OPERATORS)):
            raise self._fault(f"{type(node).__name__} is not allowed here", node)

    def _fault(self, message: str, node: ast.AST, remedy: str = "") -> ConfigError:
        return self._source.fault(message, node, remedy)

    def _visit_children(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            self.visit(child)

    visit_List = visit_Tuple = visit_Subscript = visit_Slice = _visit_children
    visit_UnaryOp = visit_BoolOp = visit_IfExp = _visit_children

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """Allows the operators of the list."""
        if not isinstance(node.op, _OPERATORS):
            raise self._fault(f"operator {type(node.op).__name__} is not allowed", node)
        self._visit_children(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        """Allows order and equality, where `&` and `|` cannot be misread."""
        for operator in node.ops:
            if not isinstance(operator, _OPERATORS):
                raise self._fault(f"operator {type(operator).__name__} is not allowed", node)
        for side in (node.left, *node.comparators):
            if isinstance(side, ast.BinOp) and isinstance(side.op, ast.BitAnd | ast.BitOr):
                remedy = "put each comparison in parentheses: (a > 1) & (b < 2)"
                raise self._fault("& and | bind tighter than comparisons", side, remedy)
        self._visit_children(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Allows None, booleans, strings and numbers of reasonable size."""
        if not isinstance(node.value, bool | int | float | str | None | type(...)):
            raise self._fault(f"a {type(node.value).__name__} is not allowed", node)
        if isinstance(node.value, int) and node.value >= MAX_INTEGER:
            raise self._fault("a whole number this large is not allowed", node)

    def visit_Name(self, node: ast.Name) -> None:
        """Allows the arguments."""
        if node.id not in self._names:
            near = nearest(node.id, self._names)
            known = ", ".join(sorted(self._names)) or "none"
            remedy = f"did you mean {near!r}?" if near else f"the arguments here are: {known}"
            raise self._fault(f"unknown name {node.id!r}", node, remedy)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Allows constants such as `tf.float32`."""
        name = dotted(node)
        if self._root(name) or name not in functions.TF_CONSTANTS:
            raise self._fault("attributes are not allowed", node)

    def visit_Call(self, node: ast.Call) -> None:
        """Allows `len`, `range`, `zip`, and functions of the list, called by name."""
        name = dotted(node.func)
        if not name or self._root(name):
            raise self._fault("only functions of the list can be called", node.func)
        if name not in BUILTINS and not functions.is_function(name):
            raise self._source.unknown_function(name, node.func)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg.startswith("__"):
                raise self._fault("such keyword arguments are not allowed", node)
            self.visit(keyword.value)

    def _root(self, name: str) -> bool:
        return name.split(".")[0] in self._names

    def visit_ListComp(self, node: ast.ListComp) -> None:
        """Allows `[f(v) for v in x if c]`; its variables are names inside it."""
        inner = self
        for generator in node.generators:
            if generator.is_async:
                raise self._fault("async is not allowed", node)
            inner.visit(generator.iter)
            inner = Checker(self._source, inner._names | set(inner._targets(generator.target)))
            for condition in generator.ifs:
                inner.visit(condition)
        inner.visit(node.elt)

    def _targets(self, node: ast.expr) -> list[str]:
        if isinstance(node, ast.Name):
            return [node.id]
        if isinstance(node, ast.Tuple):
            return [name for item in node.elts for name in self._targets(item)]
        raise self._fault("a comprehension's variable must be a name", node)
