"""The functions of expressions in NumPy, to compute an expression on a few rows without TensorFlow.

An `Array` behaves as a tensor does where they agree on what is an error: two arrays of different
dtypes are not combined, a number with decimals is not taken for a whole one. `NotComputable` is
raised for what is not here, or where the two may differ; nothing follows from it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from easyrec_lite.config import functions
from easyrec_lite.config.expressions.compiler import Library, NotComputable
from easyrec_lite.config.expressions.dims import is_tensor


class Mismatch(TypeError):
    """TensorFlow would refuse the dtypes of the operands."""


class Array:
    """A tensor.

    Attributes:
      values: what it holds.
    """

    def __init__(self, values: Any):
        self.values = np.asarray(values)
        self.shape = self.values.shape
        self.dtype = self.values.dtype

    def __getitem__(self, index: Any) -> Array:
        parts = index if isinstance(index, tuple) else (index,)
        plain = (int, slice, type(None), type(...))
        if not all(isinstance(part, plain) and not isinstance(part, bool) for part in parts):
            raise NotComputable
        return Array(self.values[index])

    def __neg__(self) -> Array:
        return _computed(np.negative, self)

    def __pos__(self) -> Array:
        return self


def _operators() -> None:
    names = "add sub mul truediv floordiv mod pow matmul eq ne lt le gt ge"
    for name in names.split():
        operate = getattr(operator, name)

        def both(self: Array, other: Any, operate: Any = operate) -> Array:
            return _computed(operate, self, other)

        def reverse(self: Array, other: Any, operate: Any = operate) -> Array:
            return _computed(operate, other, self)

        setattr(Array, f"__{name}__", both)
        if name not in ("eq", "ne", "lt", "le", "gt", "ge"):
            setattr(Array, f"__r{name}__", reverse)


_operators()


def _computed(operate: Callable[..., Any], *operands: Any) -> Array:
    """Returns the result of an elementwise function or operator."""
    given = _alike(*operands)
    floats = all(values.dtype.kind == "f" for values in given)
    if not floats and operate not in _ANY_DTYPE:
        raise NotComputable
    with np.errstate(all="ignore"):
        return Array(operate(*given))


def _alike(*operands: Any) -> list[np.ndarray]:
    """Returns operands in one dtype, as TensorFlow converts them."""
    arrays = [each for each in operands if isinstance(each, Array)]
    if not all(isinstance(each, Array | bool | int | float) for each in operands):
        raise NotComputable
    if not arrays:
        raise NotComputable
    dtype = arrays[0].dtype
    for other in arrays[1:]:
        # TensorFlow converts booleans for some operators.
        if (other.dtype.kind == "b") != (dtype.kind == "b"):
            raise NotComputable
        if other.dtype != dtype:
            raise Mismatch(f"it combines {dtype} and {other.dtype}; use tf.cast")
    for each in operands:
        if isinstance(each, float) and dtype.kind in "iu":
            raise Mismatch(f"it combines {dtype} and {each}; use tf.cast")
        if isinstance(each, bool) != (dtype.kind == "b") and not isinstance(each, Array):
            raise NotComputable
    return [
        each.values if isinstance(each, Array) else np.asarray(each, dtype) for each in operands
    ]


_ANY_DTYPE: set[Any] = {operator.eq, operator.ne, operator.lt, operator.le, operator.gt}
_ANY_DTYPE |= {operator.ge, np.logical_and, np.logical_or, np.logical_not, np.logical_xor}


def _numbers(operate: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *operands: _computed(operate, *operands)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _no_nan(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.where(y == 0, np.zeros((), x.dtype), x / np.where(y == 0, 1, y))


def _flags(operate: Callable[..., Any]) -> Callable[..., Any]:
    def compute(*operands: Any) -> Array:
        if any(isinstance(each, Array) and each.dtype.kind != "b" for each in operands):
            raise NotComputable
        return _computed(operate, *operands)

    return compute


def _reduce(operate: Callable[..., Any]) -> Callable[..., Any]:
    def compute(input_tensor: Any, axis: Any = None, keepdims: bool = False) -> Array:
        if not isinstance(input_tensor, Array) or input_tensor.dtype.kind != "f":
            raise NotComputable
        axes = tuple(axis) if isinstance(axis, list) else axis
        with np.errstate(all="ignore"):
            return Array(operate(input_tensor.values, axis=axes, keepdims=keepdims))

    return compute


def _shaped(operate: Callable[..., Any]) -> Callable[..., Any]:
    def compute(value: Any, *args: Any, **kwargs: Any) -> Array:
        if not isinstance(value, Array) or any(map(is_tensor, [*args, *kwargs.values()])):
            raise NotComputable
        return Array(operate(value.values, *args, **kwargs))

    return compute


def _squeeze(x: np.ndarray, axis: Any = None) -> np.ndarray:
    return np.squeeze(x, tuple(axis) if isinstance(axis, list) else axis)


def _cast(x: Any, dtype: Any) -> Array:
    if not isinstance(x, Array) or not isinstance(dtype, np.dtype):
        raise NotComputable
    with np.errstate(all="ignore"):
        return Array(x.values.astype(dtype))


def _where(condition: Any, x: Any, y: Any) -> Array:
    if not isinstance(condition, Array) or condition.dtype.kind != "b":
        raise NotComputable
    if not isinstance(x, Array) and not isinstance(y, Array):
        raise NotComputable
    return Array(np.where(condition.values, *_alike(x, y)))


def _clip(t: Any, clip_value_min: Any, clip_value_max: Any) -> Array:
    return _computed(np.clip, t, clip_value_min, clip_value_max)


def _join(operate: Callable[..., Any]) -> Callable[..., Any]:
    def compute(values: Any, axis: int = 0) -> Array:
        if not isinstance(values, list | tuple) or not values:
            raise NotComputable
        if not all(isinstance(each, Array) for each in values):
            raise NotComputable
        return Array(operate(_alike(*values), axis=axis))

    return compute


def _stack(values: Sequence[np.ndarray], axis: int) -> np.ndarray:
    return np.stack(values, axis)


def _tensordot(a: Any, b: Any, axes: Any) -> Array:
    if is_tensor(axes):
        raise NotComputable
    return _computed(lambda one, other: np.tensordot(one, other, axes), a, b)


def _table() -> dict[str, Callable[..., Any]]:
    same = """abs cos sin tan tanh sinh cosh exp expm1 floor ceil log log1p rint sign sqrt square
    negative maximum minimum add subtract multiply reciprocal isnan isinf isfinite arctan arctan2
    arccos arcsin arcsinh arccosh arctanh equal not_equal less less_equal greater greater_equal"""
    ours = {
        "isnan": "is_nan",
        "isinf": "is_inf",
        "isfinite": "is_finite",
        **{
            f"arc{name}": f"a{name}"
            for name in ("tan", "tan2", "cos", "sin", "sinh", "cosh", "tanh")
        },
    }
    table = {ours.get(name, name): _numbers(getattr(np, name)) for name in same.split()}
    elementwise: dict[str, Callable[..., Any]] = {
        "divide": np.divide,
        "truediv": np.divide,
        "floordiv": np.floor_divide,
        "floormod": np.mod,
        "mod": np.mod,
        "pow": np.power,
        "round": np.round,
        "sigmoid": _sigmoid,
        "rsqrt": lambda x: 1 / np.sqrt(x),
        "relu": lambda x: np.maximum(x, 0),
        "relu6": lambda x: np.clip(x, 0, 6),
        "softplus": lambda x: np.logaddexp(x, 0),
        "divide_no_nan": _no_nan,
        "squared_difference": lambda x, y: (x - y) ** 2,
        "matmul": np.matmul,
    }
    table |= {name: _numbers(operate) for name, operate in elementwise.items()}
    for name in ("and", "or", "not", "xor"):
        table[f"logical_{name}"] = _flags(getattr(np, f"logical_{name}"))
    for name in ("sum", "mean", "max", "min", "prod", "std"):
        table[f"reduce_{name}"] = _reduce(getattr(np, name))
    table["reduce_variance"] = _reduce(np.var)
    table |= {
        "identity": _shaped(lambda x: x),
        "stop_gradient": _shaped(lambda x: x),
        "zeros_like": _shaped(lambda input: np.zeros_like(input)),
        "ones_like": _shaped(lambda input: np.ones_like(input)),
        "expand_dims": _shaped(np.expand_dims),
        "squeeze": _shaped(_squeeze),
        "reshape": _shaped(lambda tensor, shape: tensor.reshape(shape)),
        "tile": _shaped(_tile),
        "transpose": _shaped(lambda a, perm=None: a.transpose(perm)),
        "cumsum": _shaped(lambda x, axis=0: np.cumsum(x, axis)),
        "reverse": _shaped(lambda tensor, axis: np.flip(tensor, tuple(axis))),
        "cast": _cast,
        "where": _where,
        "clip_by_value": _clip,
        "concat": _join(np.concatenate),
        "stack": _join(_stack),
        "tensordot": _tensordot,
    }
    return table


def _tile(x: np.ndarray, multiples: Any) -> np.ndarray:
    if len(multiples) != x.ndim:
        raise ValueError(f"multiples of tf.tile must be {x.ndim} numbers")
    return np.tile(x, multiples)


FUNCTIONS: Mapping[str, Callable[..., Any]] = _table()


def call(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Returns the result of a function of the list.

    Raises:
      NotComputable: NumPy cannot tell.
      ValueError, IndexError, Mismatch: TensorFlow would refuse it, too.
    """
    own = functions.TF_FUNCTIONS.get(name, "").removeprefix("tf.")
    compute = FUNCTIONS.get(own.removeprefix("math.").removeprefix("nn."))
    if compute is None:
        raise NotComputable
    try:
        return compute(*args, **kwargs)
    except Mismatch:
        raise
    except (TypeError, AttributeError) as error:
        # Arguments that the functions here do not have, or take in another form.
        raise NotComputable from error


def constant(name: str) -> Any:
    """Returns `tf.newaxis`, or a dtype.

    Raises:
      NotComputable: NumPy has no such dtype.
    """
    own = name.removeprefix("tf.")
    if own == "newaxis":
        return None
    if own == "string":
        raise NotComputable
    return np.dtype(own)


NUMPY = Library(call, constant)
