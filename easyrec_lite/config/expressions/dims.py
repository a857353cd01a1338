"""The dimensions of values of expressions, also of those that are known only when a graph runs.

A dimension is a number; or, inside a `tf.function`, the largest of sizes that the graph computes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from easyrec_lite.config import functions

if TYPE_CHECKING:
    import numpy as np

# How many values the lists in the arguments of one call may hold together.
MAX_LEAVES = 20_000
_PLAIN = (bool, int, float, str, list, tuple, range, slice, type(None), type(...))


class Unknown(NamedTuple):
    """A size that a graph computes.

    Attributes:
      key: equal for the same dimension of the same tensor.
      compute: returns it as a scalar of a whole-number dtype.
    """

    key: tuple[Any, ...]
    compute: Callable[[], Any]


# A number, or the largest of these sizes.
Dim = int | tuple[Unknown, ...]
Dims = tuple[Dim, ...]


def is_tensor(value: Any) -> bool:
    """Returns whether a value is a tensor: whatever is no plain Python value."""
    return not isinstance(value, _PLAIN)


def leaves(*given: Any) -> list[Any]:
    """Returns the values in nested lists.

    Raises:
      ValueError: there are more than `MAX_LEAVES`.
    """
    found: list[Any] = []
    waiting = list(reversed(given))
    visits = 0
    while waiting:
        visits += 1
        if visits > MAX_LEAVES:
            raise ValueError(f"a list of more than {MAX_LEAVES} values is not allowed")
        value = waiting.pop()
        if isinstance(value, list | tuple | range):
            waiting.extend(value)
        else:
            found.append(value)
    return found


def dims(value: Any) -> Dims:
    """Returns the dimensions of a tensor, or of the tensor that a nested list would be."""
    if isinstance(value, list | tuple | range):
        return (len(value), *dims(value[0])) if len(value) else (0,)
    if not is_tensor(value) or not hasattr(value, "shape"):
        return ()
    shape = value.shape
    if getattr(shape, "rank", 0) is None:
        return ((Unknown((id(value),), lambda: _size(value)),),)
    return tuple(
        size if isinstance(size, int) else (Unknown((id(value), axis), _axis(value, axis)),)
        for axis, size in enumerate(shape)
    )


def known(product: Dims) -> int:
    """Returns the product of the dimensions that are numbers."""
    return math.prod(dim for dim in product if isinstance(dim, int))


def unknown(product: Dims) -> list[tuple[Unknown, ...]]:
    """Returns the dimensions that a graph computes."""
    return [dim for dim in product if not isinstance(dim, int)]


def broadcast(*shapes: Dims) -> Dims:
    """Returns dimensions no smaller than those of the result of an elementwise function."""
    rank = max(map(len, shapes), default=0)
    aligned = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    return tuple(map(_larger, zip(*aligned, strict=True)))


def _larger(sizes: Sequence[Dim]) -> Dim:
    numbers = [size for size in sizes if isinstance(size, int)]
    # Unequal sizes other than 1 are an error of the function; 0 with 1 is 0.
    if any(number > 1 for number in numbers):
        return max(numbers)
    each = {one.key: one for size in sizes if not isinstance(size, int) for one in size}
    return tuple(each.values()) if each else min(numbers, default=1)


def scalar(value: Any, name: str) -> Dim:
    """Returns a number that an argument asks for as a dimension.

    Raises:
      ValueError: it is no number.
    """
    if is_tensor(value):
        given = static(value)
        if given is None:
            return (Unknown((id(value), "value"), lambda: _whole(value)),)
        value = given[0] if len(given) == 1 else None
    if not isinstance(value, int):
        raise ValueError(f"{name} must be a whole number")
    return abs(value)


def numbers(value: Any, name: str) -> list[int]:
    """Returns the whole numbers in an argument that must be known when the graph is built.

    Raises:
      ValueError: there is something else.
    """
    found = []
    for leaf in leaves(value):
        values = static(leaf) if is_tensor(leaf) else [leaf]
        if values is None or not all(isinstance(number, int) for number in values):
            raise ValueError(f"{name} must be made of whole numbers")
        found += [abs(number) for number in values]
    return found


def static(value: Any) -> list[Any] | None:
    """Returns the values of a tensor as plain numbers; None if only a running graph knows them."""
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        return None
    held = getattr(value, "values", value)
    if hasattr(held, "reshape"):
        array: np.ndarray = held
    else:
        found = functions.tensorflow_attribute("tf.get_static_value")(value)
        if found is None:
            return None
        array = found
    return list(array.reshape(-1).tolist())


def compute(product: Dims) -> Any:
    """Returns the product of dimensions as a float64 scalar of the graph."""
    tf = functions.tensorflow_attribute
    total = float(known(product))
    for dim in unknown(product):
        sizes = [tf("tf.cast")(one.compute(), tf("tf.float64")) for one in dim]
        total = total * (
            sizes[0] if len(sizes) == 1 else tf("tf.reduce_max")(tf("tf.stack")(sizes))
        )
    return total


def _axis(value: Any, axis: int) -> Callable[[], Any]:
    def computed() -> Any:
        if hasattr(value, "bounding_shape"):
            return value.bounding_shape()[axis]
        return functions.tensorflow_attribute("tf.shape")(value)[axis]

    return computed


def _size(value: Any) -> Any:
    return functions.tensorflow_attribute("tf.size")(value)


def _whole(value: Any) -> Any:
    """Returns the largest of a tensor's values."""
    return functions.tensorflow_attribute("tf.reduce_max")(value)
