"""What one evaluation of an expression may make, so that no config takes all memory.

All results together hold at most `MAX_VALUES` numbers, or `MAX_TIMES` times as many as the
arguments, whichever is more. Each call is counted before it computes:

1. Dimensions that are numbers are multiplied.
2. Inside a `tf.function` some dimensions are known only when it runs. What grows as an argument
   does, is counted as so many times that argument.
3. What grows faster (a product of two unknown sizes) is multiplied in the graph, where an assertion
   stands before the call. Only such calls cost anything when the graph runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from easyrec_lite.config import functions
from easyrec_lite.config.expressions.dims import (
    Dims,
    compute,
    dims,
    is_tensor,
    known,
    leaves,
    numbers,
    unknown,
)
from easyrec_lite.config.expressions.rules import made, rule_name

MAX_VALUES = 2**26
MAX_TIMES = 64
MAX_ASSERTIONS = 200
TOO_LARGE = f"makes more than {MAX_VALUES:,} values, and more than {MAX_TIMES} times its arguments"
# How many times longer than in the arguments texts may become.
MAX_TEXT = 2**12

# The id of an argument → how many times its size.
_Times = dict[int, float]


class TooLarge(ValueError):
    """A call would make more than an expression may."""


class Budget:
    """Counts what the calls of one evaluation make.

    Args:
      arguments: the values of the expression's arguments.
    """

    def __init__(self, arguments: Iterable[Any]):
        self._arguments = [leaf for leaf in leaves(*arguments) if is_tensor(leaf)]
        self._values = 0
        self._text = 1
        self._times: _Times = {}
        self._computed: Any = 0.0
        self._assertions = 0
        # The tensor is held so that its id stays its own.
        self._known: dict[int, tuple[Any, _Times]] = {}
        own = [known(dims(each)) for each in self._arguments if not unknown(dims(each))]
        self._most = max(MAX_VALUES, MAX_TIMES * sum(own))

    def spend(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], message: str = ""
    ) -> tuple[AbstractContextManager[Any], Callable[[Any], Any]]:
        """Counts a call before it computes.

        Args:
          name: the function.
          args, kwargs: its arguments.
          message: what a running graph reports.

        Returns:
          The context to compute it in, and a function that notes the result and returns it.

        Raises:
          TooLarge: it would make too much.
          ValueError: an argument that decides a size is not known.
        """
        self._lengthen(name, args, kwargs)
        return self.take(made(name, args, kwargs), [*args, *kwargs.values()], message)

    def take(
        self, products: Sequence[Dims], operands: Sequence[Any], message: str
    ) -> tuple[AbstractContextManager[Any], Callable[[Any], Any]]:
        """Counts what has these dimensions, made of these operands; returns as `spend` does."""
        context: AbstractContextManager[Any] = contextlib.nullcontext()
        self._values += sum(known(product) for product in products if not unknown(product))
        if self._values > self._most:
            raise TooLarge(f"would make more than {self._most:,} values")
        growing = [product for product in products if unknown(product)]
        tensors = [leaf for leaf in leaves(*operands) if is_tensor(leaf)]
        multiples = [self._multiple_of(product, tensors) for product in growing]
        spent = _sum(each for each in multiples if each is not None)
        times = _sum([self._times, spent])
        if None in multiples or max(times.values(), default=0) > MAX_TIMES:
            context = self._assertion(growing, message)
            # What is made of the result is asserted, too.
            spent = {0: MAX_TIMES + 1}
        else:
            self._times = times
        return context, lambda result: self._note(result, spent)

    def _multiple_of(self, product: Dims, tensors: Sequence[Any]) -> _Times | None:
        """Returns how many times which arguments a product is; None for more than a multiple."""
        sizes = unknown(product)
        keys = [dim[0].key for dim in sizes if len(dim) == 1]
        # Each size once: the square of a size is no multiple of it.
        if len(set(keys)) == len(sizes):
            for tensor in tensors:
                if _keys(tensor).issuperset(keys):
                    return self._times_of(tensor, product)
        if len(sizes) > 1:
            return None
        # One size that is the larger of several: at most their sum.
        owners = [next((t for t in tensors if one.key in _keys(t)), None) for one in sizes[0]]
        if any(owner is None for owner in owners):
            return None
        return _sum(self._times_of(owner, product) for owner in owners)

    def _times_of(self, tensor: Any, product: Dims) -> _Times:
        """Returns how many times the arguments a product of a tensor's unknown sizes is."""
        ratio = known(product) / max(known(dims(tensor)), 1)
        _, times = self._known.get(id(tensor), (tensor, {id(tensor): 1}))
        return {root: count * ratio for root, count in times.items()}

    def _note(self, result: Any, spent: _Times) -> Any:
        """Notes how many times the arguments a result is, and returns it."""
        parts = [leaf for leaf in leaves(result) if is_tensor(leaf)]
        total = max(1, sum(known(dims(part)) for part in parts))
        for part in parts:
            if spent and unknown(dims(part)):
                share = 1 if 0 in spent else known(dims(part)) / total
                self._known[id(part)] = (part, {each: n * share for each, n in spent.items()})
        return result

    def _assertion(self, products: Sequence[Dims], message: str) -> AbstractContextManager[Any]:
        """Returns a context whose ops run after the graph has found the products small enough."""
        tf = functions.tensorflow_attribute
        self._assertions += 1
        if self._assertions > MAX_ASSERTIONS:
            raise TooLarge(f"more than {MAX_ASSERTIONS} parts grow with the data")
        for product in products:
            self._computed = self._computed + compute(product)
        most = tf("tf.constant")(float(self._most), tf("tf.float64"))
        if self._arguments:
            sizes = [tf("tf.cast")(_size(each), tf("tf.float64")) for each in self._arguments]
            most = tf("tf.maximum")(most, MAX_TIMES * tf("tf.add_n")(sizes))
        enough = tf("tf.debugging.Assert")(self._computed <= most, [message])
        context: AbstractContextManager[Any] = tf("tf.control_dependencies")([enough])
        return context

    def _lengthen(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Counts by how much a call makes texts longer."""
        self._text *= _LONGER.get(rule_name(name), _as_long)(args, kwargs)
        if self._text > MAX_TEXT:
            raise TooLarge(f"would make texts more than {MAX_TEXT:,} times longer")


def _sum(each: Iterable[_Times]) -> _Times:
    total: _Times = {}
    for times in each:
        for root, count in times.items():
            total[root] = total.get(root, 0) + count
    return total


def _keys(tensor: Any) -> set[Any]:
    return {one.key for dim in unknown(dims(tensor)) for one in dim}


def _size(value: Any) -> Any:
    flat = getattr(value, "flat_values", value)
    return functions.tensorflow_attribute("tf.size")(flat)


# How many times longer a call makes texts.


def _as_long(args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    return 1


def _longest(args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """The sum of the numbers of texts, of their lengths, and of plain numbers."""
    given = leaves(*args, *kwargs.values())
    texts = [len(each) for each in given if isinstance(each, str)]
    return max(1, len(given) - len(texts)) + sum(texts)


def _printed(args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    asked = [args[1:2], args[4:5], kwargs.get("precision", ()), kwargs.get("width", ())]
    return max([1, *(number for each in asked for number in numbers(each, "width"))])


_LONGER: Mapping[str, Callable[[Sequence[Any], Mapping[str, Any]], int]] = {
    "strings.as_string": _printed,
    "strings.join": _longest,
    "strings.reduce_join": _longest,
    "strings.regex_replace": _longest,
}
