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

from easyrec_lite.config.expressions.dims import is_tensor

MAX_INTEGER = 2**63
MAX_ITEMS = 1000
MAX_EXPONENT = 64

Call = Callable[[str, Sequence[Any], Mapping[str, Any]], Any]
# Takes what calls functions of the list, then values.
Operation = Callable[..., Any]


def truth(value: Any) -> bool:
    """Returns whether a value is true; a tensor is neither."""
    if is_tensor(value):
        raise TypeError("a tensor is neither true nor false; use &, |, ~ or tf.where")
    return bool(value)


def conjunction(call: Call, *results: Any) -> Any:
    """Returns the logical and of the results of a chain of comparisons."""
    joined = results[0]
    for result in results[1:]:
        joined = _logical("tf.math.logical_and", call, joined, result)
    return joined


def part(call: Call, value: Any, index: Any) -> Any:
    """Returns a part of a list or a tensor."""
    return value[index]


def _logical(name: str, call: Call, *operands: Any) -> Any:
    """Returns an elementwise logical function of values; numbers count as `!= 0`."""
    if not any(map(is_tensor, operands)):
        flags = [bool(operand) for operand in operands]
        if name.endswith("not"):
            return not flags[0]
        return all(flags) if name.endswith("and") else any(flags)
    return call(name, [_as_bool(call, operand) for operand in operands], {})


def _as_bool(call: Call, value: Any) -> Any:
    if not is_tensor(value):
        return bool(value)
    return value if value.dtype == "bool" else call("tf.not_equal", [value, 0], {})


def _plain(operate: Callable[..., Any]) -> Operation:
    return lambda call, *operands: operate(*operands)


def _arithmetic(operate: Callable[[Any, Any], Any], call: Call, left: Any, right: Any) -> Any:
    if isinstance(left, str) or isinstance(right, str):
        raise TypeError("operators on strings are not allowed; use tf.strings functions")
    if not is_tensor(left) and not is_tensor(right):
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
    return value.shape[0] if is_tensor(value) else len(value)


def _range(*bounds: int) -> range:
    made = range(*bounds)
    if len(made) > MAX_ITEMS:
        raise ValueError(f"range() of more than {MAX_ITEMS} numbers is not allowed")
    return made


def _zip(*lists: Any) -> list[tuple[Any, ...]]:
    return list(zip(*map(items, lists), strict=False))


BUILTINS: Mapping[str, Callable[..., Any]] = {"len": _length, "range": _range, "zip": _zip}
UNARY: Mapping[type, Operation] = {
    ast.UAdd: _plain(operator.pos),
    ast.USub: _plain(operator.neg),
    ast.Invert: partial(_logical, "tf.math.logical_not"),
}
BINARY: Mapping[type, Operation] = {
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
COMPARE: Mapping[type, Operation] = {
    ast.Eq: _plain(operator.eq),
    ast.NotEq: _plain(operator.ne),
    ast.Lt: _plain(operator.lt),
    ast.LtE: _plain(operator.le),
    ast.Gt: _plain(operator.gt),
    ast.GtE: _plain(operator.ge),
}
