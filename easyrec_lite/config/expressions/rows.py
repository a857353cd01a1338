"""What of an expression can be seen, without computing it, to give no number for each row.

The arguments are columns: tensors with one number for each row, or with D. Only what is certain is
refused; code that is refused here could not be computed for any data.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from easyrec_lite.config.expressions.text import Code, dotted

_TEXTS = frozenset({"tf.as_string", "tf.strings.as_string"})
_TRUTH = "combine columns by &, |, ~ with each comparison in parentheses, or choose by tf.where"


def refuse_no_number(
    code: Code, body: ast.expr, arguments: Collection[str], *, broadcast: bool
) -> None:
    """Refuses code that cannot give a number for each row.

    Args:
      code: the text.
      body: its syntax tree, which the compiler has taken.
      arguments: names of the columns.
      broadcast: whether one number may stand for all rows.

    Raises:
      ConfigError: a column is used as a condition, or the result is a list, a text or nothing.
    """
    names = [node for node in ast.walk(body) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    columns = frozenset(arguments) - bound
    for test in _conditions(body):
        if _is_column(test, columns):
            raise code.fault("a column is neither true nor false", test, _TRUTH)
    kind = _no_number(body) or ("" if broadcast else _one_number(body))
    if kind:
        message = f"the result is {kind}, not a number for each row"
        raise code.fault(message, body, "write an expression whose value is one number a row")


def _conditions(body: ast.expr) -> Iterator[ast.expr]:
    """Yields the nodes whose truth decides something."""
    for node in ast.walk(body):
        if isinstance(node, ast.BoolOp):
            yield from node.values
        elif isinstance(node, ast.IfExp):
            yield node.test
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield node.operand
        elif isinstance(node, ast.comprehension):
            yield from node.ifs


def _is_column(node: ast.expr, columns: frozenset[str]) -> bool:
    """Returns whether the value of `node` is a tensor for certain."""
    if isinstance(node, ast.Name):
        return node.id in columns
    if isinstance(node, ast.BinOp):
        return _is_column(node.left, columns) or _is_column(node.right, columns)
    if isinstance(node, ast.UnaryOp):
        return not isinstance(node.op, ast.Not) and _is_column(node.operand, columns)
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        nothing = any(isinstance(side, ast.Constant) and side.value is None for side in sides)
        return not nothing and any(_is_column(side, columns) for side in sides)
    return isinstance(node, ast.Call) and dotted(node.func).startswith("tf.math.")


def _no_number(body: ast.expr) -> str:
    """Returns what the result is if it is certainly no number, else ''."""
    if isinstance(body, ast.List | ast.Tuple | ast.ListComp):
        return "a list"
    if isinstance(body, ast.Constant) and not isinstance(body.value, bool | int | float):
        return "a text" if isinstance(body.value, str) else "nothing"
    return "a text" if isinstance(body, ast.Call) and dotted(body.func) in _TEXTS else ""


def _one_number(body: ast.expr) -> str:
    """Returns what the result is if it is certainly one number for all rows, else ''."""
    if not isinstance(body, ast.Call) or body.keywords or len(body.args) != 1:
        return ""
    reduces = dotted(body.func).rpartition(".")[2].startswith("reduce_")
    return "one number for all rows" if reduces else ""
