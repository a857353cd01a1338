"""What operators do to the values of expressions.

Values are Python numbers, strings, lists and tuples, or tensors; whatever is no plain Python value
is taken for a tensor. Operators on tensors are elementwise; `&`, `|` and `~` are logical. Each
operation is bounded, so that no expression takes all memory.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from easyrec_lite.config import functions

MAX_INTEGER = 2**63
MAX_ITEMS = 1000
MAX_EXPONENT = 64
_PLAIN = (bool, int, float, str, list, tuple, range, slice, type(None), type(...))


def _is_tensor(value: Any) -> bool:
    return not isinstance(value, _PLAIN)


def truth(value: Any) -> bool:
    """Returns whether a value is true; a tensor is neither."""
    if _is_tensor(value):
        raise TypeError("a tensor is neither true nor false; use &, |, ~ or tf.where")
    return bool(value)


def conjunction(results: Sequence[Any]) -> Any:
    """Returns the logical and of the results of a chain of comparisons."""
    joined = results[0]
    for result in results[1:]:
        joined = _logical("tf.math.logical_and", joined, result)
    return joined


def _logical(name: str, *operands: Any) -> Any:
    """Returns an elementwise logical function of values; numbers count as `!= 0`."""
    if not any(map(_is_tensor, operands)):
        flags = [bool(operand) for operand in operands]
        if name.endswith("not"):
            return not flags[0]
        return all(flags) if name.endswith("and") else any(flags)
    return functions.resolve(name)(*map(_as_bool, operands))


def _as_bool(value: Any) -> Any:
    if not _is_tensor(value):
        return bool(value)
    if value.dtype == functions.constant("tf.bool"):
        return value
    return functions.resolve("tf.not_equal")(value, 0)


def _arithmetic(operate: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    if isinstance(left, str) or isinstance(right, str):
        raise TypeError("operators on strings are not allowed; use tf.strings functions")
    if not _is_tensor(left) and not _is_tensor(right):
        if operate is operator.pow and abs(right) > MAX_EXPONENT:
            raise ValueError(f"exponents above {MAX_EXPONENT} are not allowed")
        if operate is operator.mul:
            for repeated, times in ((left, right), (right, left)):
                if isinstance(repeated, list | tuple) and len(repeated) * times > MAX_ITEMS:
                    raise ValueError(f"a list of more than {MAX_ITEMS} items is not allowed")
    return _bounded(operate(left, right))


def _bounded(value: Any) -> Any:
    if isinstance(value, complex):
        raise ValueError("complex numbers are not allowed")
    if isinstance(value, int) and abs(value) >= MAX_INTEGER:
        raise ValueError("a whole number became too large")
    if isinstance(value, list | tuple) and len(value) > MAX_ITEMS:
        raise ValueError(f"a list of more than {MAX_ITEMS} items is not allowed")
    return value


def items(value: Any) -> Sequence[Any]:
    """Returns the items of a list, tuple or range of limited length."""
    if not isinstance(value, list | tuple | range):
        raise TypeError("only a list can be gone through; split a tensor with tf.unstack")
    if len(value) > MAX_ITEMS:
        raise ValueError(f"more than {MAX_ITEMS} items cannot be gone through")
    return value


def _length(value: Any) -> int:
    return value.shape[0] if _is_tensor(value) else len(value)


def _range(*bounds: int) -> range:
    made = range(*bounds)
    if len(made) > MAX_ITEMS:
        raise ValueError(f"range() of more than {MAX_ITEMS} numbers is not allowed")
    return made


def _zip(*lists: Any) -> list[tuple[Any, ...]]:
    return list(zip(*map(items, lists), strict=False))


BUILTINS: Mapping[str, Callable[..., Any]] = {"len": _length, "range": _range, "zip": _zip}
UNARY: Mapping[type, Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
    ast.Invert: partial(_logical, "tf.math.logical_not"),
}
BINARY: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: partial(_arithmetic, operator.add),
    ast.Sub: partial(_arithmetic, operator.sub),
    ast.Mult: partial(_arithmetic, operator.mul),
    ast.Div: partial(_arithmetic, operator.truediv),
    ast.FloorDiv: partial(_arithmetic, operator.floordiv),
    ast.Mod: partial(_arithmetic, operator.mod),
    ast.Pow: partial(_arithmetic, operator.pow),
    ast.MatMult: partial(_arithmetic, operator.matmul),
    ast.BitAnd: partial(_logical, "tf.math.logical_and"),
    ast.BitOr: partial(_logical, "tf.math.logical_or"),
}
COMPARE: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
