"""How many numbers a function of expressions makes, from its arguments, before it computes.

A rule returns the dimensions of what a call makes, results and what it holds on the way to them: at
least as large as the real ones. `RULES` has one for each function of the list.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from easyrec_lite.config import functions
from easyrec_lite.config.expressions.dims import (
    Dim,
    Dims,
    Unknown,
    broadcast,
    dims,
    is_tensor,
    leaves,
    numbers,
    scalar,
    static,
)

Given = Mapping[str, Any]
Rule = Callable[[Given], list[Dims]]

_ELEMENTWISE = """
    abs acos acosh add asin asinh atan atan2 atanh cast ceil clip_by_norm clip_by_value cos cosh
    divide divide_no_nan elu equal erf exp expm1 floor floordiv floormod gelu greater greater_equal
    is_finite is_inf is_nan leaky_relu less less_equal log log1p log_sigmoid logical_and logical_not
    logical_or logical_xor maximum minimum mod multiply multiply_no_nan negative not_equal pow
    reciprocal reciprocal_no_nan relu relu6 rint round rsqrt selu sigmoid sign silu sin sinh
    softplus softsign sqrt square squared_difference subtract swish tan tanh truediv xdivy xlogy
    strings.join
"""
# The result is no larger than the arguments together.
_TOGETHER = """
    add_n argmax argmin argsort boolean_mask broadcast_static_shape concat convert_to_tensor
    count_nonzero cumprod cumsum expand_dims identity l2_normalize linalg.matrix_transpose
    linalg.norm log_softmax norm ones_like ragged.stack rank reduce_all reduce_any
    reduce_euclidean_norm
    reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_std reduce_sum
    reduce_variance reshape reverse roll searchsorted shape size slice softmax sort split squeeze
    stack stop_gradient strided_slice transpose unstack zeros_like strings.as_string strings.length
    strings.lower strings.reduce_join strings.regex_full_match strings.regex_replace strings.split
    strings.strip strings.substr strings.to_hash_bucket_fast strings.to_number strings.upper
"""
# Two results as large as the arguments, or one of up to twice their size.
_TWICE = "linalg.diag_part moments top_k"


def _elementwise(given: Given) -> list[Dims]:
    return [broadcast(*(dims(each) for each in _operands(given)))]


def _operands(given: Given) -> list[Any]:
    """Returns the arguments; the items of a list with tensors are arguments of their own."""
    operands: list[Any] = []
    for value in given.values():
        listed = isinstance(value, list | tuple) and any(map(is_tensor, leaves(value)))
        operands += value if listed else [value]
    return operands


def _together(given: Given) -> list[Dims]:
    counts = Counter(map(id, found := leaves(*given.values())))
    return [
        (*dims(leaf), counts[place]) for place, leaf in {id(leaf): leaf for leaf in found}.items()
    ]


def _twice(given: Given) -> list[Dims]:
    return 2 * _together(given)


def _where(given: Given) -> list[Dims]:
    if given.get("x") is None and given.get("y") is None:
        found = dims(given["condition"])
        return [(*found, max(len(found), 1))]
    return _elementwise(given)


def _tile(given: Given) -> list[Dims]:
    multiples = given["multiples"]
    if is_tensor(multiples) and static(multiples) is None:
        product = functions.tensorflow_attribute("tf.reduce_prod")
        times: Dims = ((Unknown((id(multiples), "product"), lambda: product(multiples)),),)
    elif is_tensor(multiples):
        times = tuple(numbers(multiples, "multiples"))
    else:
        times = tuple(scalar(each, "multiples") for each in leaves(multiples))
    return [dims(given["input"]) + times]


def _repeat(given: Given) -> list[Dims]:
    repeats = given["repeats"]
    if any(is_tensor(each) and static(each) is None for each in leaves(repeats)):
        most: Dim = scalar(repeats, "repeats")
    else:
        most = max(numbers(repeats, "repeats"), default=1)
    return [(*dims(given["input"]), most)]


def _one_hot(given: Given) -> list[Dims]:
    return [(*dims(given["indices"]), scalar(given["depth"], "depth"))]


def _pad(given: Given) -> list[Dims]:
    sizes = list(dims(given["tensor"]))
    added = numbers(given["paddings"], "paddings")
    pairs = [sum(added[axis : axis + 2]) for axis in range(0, len(added), 2)]
    found: list[Dim] = []
    for size, more in zip(sizes, pairs, strict=False):
        # An unknown size n + more is at most n · (1 + more).
        found += [size + more] if isinstance(size, int) else [size, 1 + more]
    return [tuple(found)]


def _range(given: Given) -> list[Dims]:
    first, second, step = given["start"], given.get("limit"), given.get("delta", 1)
    start, limit = (0, first) if second is None else (first, second)
    if any(is_tensor(each) and static(each) is None for each in (start, limit, step)):
        most = functions.tensorflow_attribute("tf.reduce_max")
        absolute = functions.tensorflow_attribute("tf.abs")
        key = (id(start), id(limit), id(step), "range")
        return [((Unknown(key, lambda: most(absolute((limit - start) / step)) + 1),),)]
    low, high, each = (_number(value) for value in (start, limit, step))
    return [(int(abs((high - low) / each)) + 1,)]


def _number(value: Any) -> Any:
    return (static(value) or [None])[0] if is_tensor(value) else value


def _sequence_mask(given: Given) -> list[Dims]:
    most = given.get("maxlen")
    if most is None:
        lengths = given["lengths"]
        held = static(lengths) if is_tensor(lengths) else leaves(lengths)
        most = lengths if held is None else int(max(held, default=0))
    return [(*dims(given["lengths"]), scalar(most, "maxlen"))]


def _constant(given: Given) -> list[Dims]:
    shape = given.get("shape")
    asked = () if shape is None else tuple(numbers(shape, "shape"))
    return [*_together({"value": given["value"]}), asked]


def _gather(given: Given) -> list[Dims]:
    params, indices = dims(given["params"]), dims(given["indices"])
    axis, shared = given.get("axis"), given.get("batch_dims") or 0
    axis = shared if axis is None else axis
    if not isinstance(axis, int) or not isinstance(shared, int) or not -len(params) <= axis:
        return [indices + params]
    rest = [dim for place, dim in enumerate(params) if place != axis % max(len(params), 1)]
    return [indices + tuple(rest[shared:])]


def _gather_nd(given: Given) -> list[Dims]:
    params, indices = dims(given["params"]), dims(given["indices"])
    depth = indices[-1] if indices and isinstance(indices[-1], int) else 0
    return [indices[:-1] + params[depth:]]


def _matmul(given: Given) -> list[Dims]:
    a, b = dims(given["a"]), dims(given["b"])
    if len(a) < 2 or len(b) < 2:
        return [a + b]
    rows = a[-1] if given.get("transpose_a") or given.get("adjoint_a") else a[-2]
    columns = b[-2] if given.get("transpose_b") or given.get("adjoint_b") else b[-1]
    return [(*broadcast(a[:-2], b[:-2]), rows, columns)]


def _tensordot(given: Given) -> list[Dims]:
    a, b, axes = dims(given["a"]), dims(given["b"]), given["axes"]
    if isinstance(axes, int):
        return [a[: len(a) - axes] + b[axes:]]
    if is_tensor(axes) or len(axes) != 2 or any(map(is_tensor, leaves(axes))):
        return [a + b]
    return [_without(a, leaves(axes[0])) + _without(b, leaves(axes[1]))]


def _without(sizes: Dims, axes: Sequence[int]) -> Dims:
    gone = {axis % max(len(sizes), 1) for axis in axes}
    return tuple(size for axis, size in enumerate(sizes) if axis not in gone)


def _meshgrid(given: Given) -> list[Dims]:
    axes = [dims(value) for key, value in given.items() if key not in ("indexing", "name")]
    product = tuple(dim for axis in axes for dim in axis)
    return [product] * len(axes)


def _einsum(given: Given) -> list[Dims]:
    """Two operands: the result. More: everything at once, as they are joined in any order."""
    equation, *operands = given.values()
    equation = str(equation).replace(" ", "")
    inputs, _, output = equation.partition("->")
    sizes: dict[str, Dim] = {}
    others: list[Dims] = []
    for labels, operand in zip(inputs.split(","), operands, strict=False):
        left, dots, right = labels.partition("...")
        own = dims(operand)
        ends = own[len(own) - len(right) :] if right else ()
        sizes.update(zip(left, own, strict=False))
        sizes.update(zip(right, ends, strict=False))
        if dots:
            others.append(own[len(left) : len(own) - len(right)])
    if len(operands) > 2 or "->" not in equation:
        kept: Iterable[str] = sizes
    else:
        kept = [label for label in output if label in string.ascii_letters]
    return [(*broadcast(*others), *(sizes[label] for label in kept if label in sizes))]


def _table() -> dict[str, Rule]:
    table: dict[str, Rule] = {
        "constant": _constant,
        "einsum": _einsum,
        "gather": _gather,
        "gather_nd": _gather_nd,
        "matmul": _matmul,
        "meshgrid": _meshgrid,
        "one_hot": _one_hot,
        "pad": _pad,
        "range": _range,
        "repeat": _repeat,
        "sequence_mask": _sequence_mask,
        "tensordot": _tensordot,
        "tile": _tile,
        "where": _where,
    }
    for words, rule in ((_ELEMENTWISE, _elementwise), (_TOGETHER, _together), (_TWICE, _twice)):
        table |= dict.fromkeys(words.split(), rule)
    return table


RULES: Mapping[str, Rule] = _table()


# The parameters of the functions whose rules tell them apart.
_PARAMETERS: Mapping[str, str] = {
    "constant": "value dtype shape",
    "gather": "params indices validate_indices axis batch_dims",
    "gather_nd": "params indices",
    "matmul": "a b transpose_a transpose_b adjoint_a adjoint_b",
    "one_hot": "indices depth",
    "pad": "tensor paddings",
    "range": "start limit delta",
    "repeat": "input repeats",
    "sequence_mask": "lengths maxlen",
    "tensordot": "a b axes",
    "tile": "input multiples",
    "where": "condition x y",
}


def made(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Dims]:
    """Returns the dimensions of what a call makes.

    A function of the user's own is taken to make as much as it is given.

    Raises:
      ValueError: an argument that decides a size is no whole number.
    """
    own = rule_name(name)
    names = _PARAMETERS.get(own, "").split()
    names += [str(place) for place in range(len(names), len(args))]
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    try:
        return RULES.get(own, _together)(given)
    except (KeyError, IndexError):
        # An argument is missing, which the function itself reports.
        return []


def rule_name(name: str) -> str:
    """Returns what `RULES` calls a function, "" for one of the user's own."""
    found = functions.TF_FUNCTIONS.get(name, "").removeprefix("tf.")
    for prefix in ("math.", "nn."):
        found = found.removeprefix(prefix)
    return found
