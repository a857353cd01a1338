"""Computes a checked syntax tree: a small interpreter with a budget of steps.

Values are Python numbers, strings, lists and tuples, or tensors; whatever is no plain Python value
is taken for a tensor. Operators on tensors are elementwise; `&` and `|` are logical.
"""

from __future__ import annotations

import ast
import itertools
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from easyrec_lite.config import functions
from easyrec_lite.config.expressions.grammar import BUILTINS, MAX_INTEGER, dotted

MAX_STEPS = 20_000
MAX_ITEMS = 1000
MAX_EXPONENT = 64

_PLAIN = (bool, int, float, str, list, tuple, range, slice, type(None), type(...))
_ARITHMETIC: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
}
_COMPARE: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _is_tensor(value: Any) -> bool:
    return not isinstance(value, _PLAIN)


class Evaluator:
    """Evaluates one tree once.

    Args:
      names: value of each argument.

    Raises (from `value`):
      ValueError, TypeError, IndexError, ArithmeticError: the values do not fit the code, or it
        asks for more steps or memory than allowed; whatever a called function raises passes on.
    """

    def __init__(self, names: Mapping[str, Any]):
        self._names = dict(names)
        self._steps = 0
        self._growth = 1

    def value(self, node: ast.AST) -> Any:
        """Returns the value of `node`."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise ValueError(f"takes more than {MAX_STEPS} steps")
        return getattr(self, f"_{type(node).__name__}")(node)

    def _Constant(self, node: ast.Constant) -> Any:
        return node.value

    def _Name(self, node: ast.Name) -> Any:
        return self._names[node.id]

    def _Attribute(self, node: ast.Attribute) -> Any:
        return functions.constant(dotted(node))

    def _List(self, node: ast.List) -> list[Any]:
        return [self.value(item) for item in node.elts]

    def _Tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return tuple(self.value(item) for item in node.elts)

    def _Slice(self, node: ast.Slice) -> slice:
        return slice(*(part and self.value(part) for part in (node.lower, node.upper, node.step)))

    def _Subscript(self, node: ast.Subscript) -> Any:
        return self.value(node.value)[self.value(node.slice)]

    def _IfExp(self, node: ast.IfExp) -> Any:
        return self.value(node.body if self._truth(node.test) else node.orelse)

    def _BoolOp(self, node: ast.BoolOp) -> bool:
        results = (self._truth(part) for part in node.values)
        return all(results) if isinstance(node.op, ast.And) else any(results)

    def _truth(self, node: ast.AST) -> bool:
        value = self.value(node)
        if _is_tensor(value):
            raise TypeError("a tensor is neither true nor false; use &, |, ~ or tf.where")
        return bool(value)

    def _UnaryOp(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not):
            return not self._truth(node.operand)
        value = self.value(node.operand)
        if isinstance(node.op, ast.Invert):
            return _logical("tf.math.logical_not", value)
        return -value if isinstance(node.op, ast.USub) else +value

    def _BinOp(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, ast.BitAnd):
            return _logical("tf.math.logical_and", left, right)
        if isinstance(node.op, ast.BitOr):
            return _logical("tf.math.logical_or", left, right)
        _check_operands(node.op, left, right)
        return _bounded(_ARITHMETIC[type(node.op)](left, right))

    def _Compare(self, node: ast.Compare) -> Any:
        operands = [self.value(part) for part in (node.left, *node.comparators)]
        pairs = itertools.pairwise(operands)
        results = [
            _COMPARE[type(kind)](left, right)
            for kind, (left, right) in zip(node.ops, pairs, strict=True)
        ]
        result = results[0]
        for other in results[1:]:
            result = _logical("tf.math.logical_and", result, other)
        return result

    def _Call(self, node: ast.Call) -> Any:
        name = dotted(node.func)
        args = [self.value(argument) for argument in node.args]
        kwargs = {str(keyword.arg): self.value(keyword.value) for keyword in node.keywords}
        if name in BUILTINS:
            return _BUILTIN[name](*args, **kwargs)
        self._growth *= functions.growth(name, args, kwargs)
        if self._growth > functions.MAX_GROWTH:
            raise ValueError(f"{name} would make the result more than 2^20 times larger")
        return functions.resolve(name)(*args, **kwargs)

    def _ListComp(self, node: ast.ListComp) -> list[Any]:
        outer = self._names
        try:
            return list(self._each(node.elt, node.generators))
        finally:
            self._names = outer

    def _each(self, element: ast.expr, generators: list[ast.comprehension]) -> Iterable[Any]:
        if not generators:
            yield self.value(element)
            return
        first, *rest = generators
        scope = self._names
        for item in _items(self.value(first.iter)):
            self._names = {**scope, **_bind(first.target, item)}
            if all(self._truth(condition) for condition in first.ifs):
                yield from self._each(element, rest)


def _logical(name: str, *values: Any) -> Any:
    """Returns an elementwise logical function of `values`; numbers count as `!= 0`."""
    if not any(_is_tensor(value) for value in values):
        flags = [bool(value) for value in values]
        if name.endswith("not"):
            return not flags[0]
        return all(flags) if name.endswith("and") else any(flags)
    return functions.resolve(name)(*(_as_bool(value) for value in values))


def _as_bool(value: Any) -> Any:
    if not _is_tensor(value):
        return bool(value)
    if value.dtype == functions.constant("tf.bool"):
        return value
    return functions.resolve("tf.not_equal")(value, 0)


def _check_operands(kind: ast.operator, left: Any, right: Any) -> None:
    if isinstance(left, str) or isinstance(right, str):
        raise TypeError("operators on strings are not allowed; use tf.strings functions")
    if _is_tensor(left) or _is_tensor(right):
        return
    if isinstance(kind, ast.Pow) and abs(right) > MAX_EXPONENT:
        raise ValueError(f"exponents above {MAX_EXPONENT} are not allowed")
    if isinstance(kind, ast.Mult):
        for items, times in ((left, right), (right, left)):
            if isinstance(items, list | tuple) and len(items) * times > MAX_ITEMS:
                raise ValueError(f"a list of more than {MAX_ITEMS} items is not allowed")


def _bounded(value: Any) -> Any:
    if isinstance(value, complex):
        raise ValueError("complex numbers are not allowed")
    if isinstance(value, int) and abs(value) >= MAX_INTEGER:
        raise ValueError("a whole number became too large")
    if isinstance(value, list | tuple) and len(value) > MAX_ITEMS:
        raise ValueError(f"a list of more than {MAX_ITEMS} items is not allowed")
    return value


def _items(value: Any) -> Iterable[Any]:
    if not isinstance(value, list | tuple | range):
        raise TypeError("only a list can be gone through; split a tensor with tf.unstack")
    if len(value) > MAX_ITEMS:
        raise ValueError(f"more than {MAX_ITEMS} items cannot be gone through")
    return value


def _bind(target: ast.expr, item: Any) -> dict[str, Any]:
    if isinstance(target, ast.Name):
        return {target.id: item}
    names = target.elts if isinstance(target, ast.Tuple) else []
    if len(names) != len(_items(item)):  # type: ignore[arg-type]
        raise ValueError(f"cannot give {len(item)} values to {len(names)} names")
    bound: dict[str, Any] = {}
    for name, value in zip(names, item, strict=True):
        bound.update(_bind(name, value))
    return bound


def _length(value: Any) -> int:
    return value.shape[0] if _is_tensor(value) else len(value)


def _range(*bounds: int) -> range:
    made = range(*bounds)
    if len(made) > MAX_ITEMS:
        raise ValueError(f"range() of more than {MAX_ITEMS} numbers is not allowed")
    return made


def _zip(*lists: Any) -> list[tuple[Any, ...]]:
    return list(zip(*map(_items, lists), strict=False))


_BUILTIN: Mapping[str, Callable[..., Any]] = {"len": _length, "range": _range, "zip": _zip}
