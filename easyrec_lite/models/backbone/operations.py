"""The operations of a block: a layer, a lambda, a recurrence, parallel copies."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.config.expressions import Expression
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.models.backbone.padding import StepLengths

Operation = Callable[[Any, bool, StepLengths], Any]


def is_list(value: Any) -> bool:
    """Returns whether a value is a list of values, not a tensor."""
    return isinstance(value, list | tuple)


def merge(values: Sequence[Any], axis: int = -1, as_list: bool = False) -> Any:
    """Returns one value for several: lists are joined, also with tensors; tensors concatenated.

    Args:
      values: tensors and lists.
      axis: of the concatenation.
      as_list: give tensors as a list instead.
    """
    if as_list or (len(values) > 1 and any(is_list(value) for value in values)):
        return [part for value in values for part in (value if is_list(value) else [value])]
    return values[0] if len(values) == 1 else tf.concat(list(values), axis=axis)


def apply(layer: keras.layers.Layer) -> Operation:
    """Returns the operation that calls one layer, with the mask of a sequence if it takes one."""
    takes_mask = "mask" in inspect.signature(layer.call).parameters

    def run(value: Any, training: bool, lengths: StepLengths) -> Any:
        masks = lengths.masks(value) if takes_mask else None
        options = {} if masks is None else {"mask": masks}
        result = layer(value, training=training, **options)
        if getattr(layer, "gives_lengths", False):
            lengths.add(*result[:2])
        return result

    return run


def compute(function: Callable[[Any], Any]) -> Operation:
    """Returns the operation that calls a function without weights."""
    return lambda value, training, lengths: lengths.compute(function, value)


def recur(layers: Sequence[keras.layers.Layer], fixed: int | None) -> Operation:
    """Returns the operation that applies layers one after the other.

    With `fixed`, the value is a list. Its entry at that index is passed to every layer unchanged,
    and the results replace the other entries. It is removed at the end; a list of one entry is
    returned as that entry.
    """

    calls = [apply(layer) for layer in layers]

    def run(value: Any, training: bool, lengths: StepLengths) -> Any:
        for i, call in enumerate(calls):
            value = lengths.carry((calls[0], i), value, call(value, training, lengths))
        return value

    def run_beside(value: Any, training: bool, lengths: StepLengths) -> Any:
        if not is_list(value) or fixed is None or not fixed < len(value):
            expected = "a list that is longer than fixed_input_index"
            raise ConfigError(Problem("recurrent has nothing to hold fixed", expected=expected))
        for i, call in enumerate(calls):
            results = lengths.carry((calls[0], i), value, call(value, training, lengths))
            results = list(results) if is_list(results) else [results] * (len(value) - 1)
            value = [*results[:fixed], value[fixed], *results[fixed:]]
        rest = [*value[:fixed], *value[fixed + 1 :]]
        return rest[0] if len(rest) == 1 else rest

    return run if fixed is None else run_beside


def repeat(
    layers: Sequence[keras.layers.Layer], steps: Sequence[Callable[..., Any]], axis: int | None
) -> Operation:
    """Returns the operation that applies layers in parallel.

    Args:
      layers: the copies.
      steps: functions of (value, number of the copy) that give a copy's input.
      axis: of the concatenation of the results; None: they stay a list.
    """

    calls = [apply(layer) for layer in layers]

    def run(value: Any, training: bool, lengths: StepLengths) -> Any:
        results = []
        for i, call in enumerate(calls):
            own = value
            for j, step in enumerate(steps):
                result = lengths.compute(step, own, *([i] if takes_two(step) else []))
                own = lengths.carry((calls[0], i, j), own, result)
            results.append(lengths.carry((calls[0], i), own, call(own, training, lengths)))
        if len(results) == 1:
            return results[0]
        return results if axis is None else tf.concat(results, axis=axis)

    return run


def takes_two(function: Callable[..., Any]) -> bool:
    """Returns whether a function of a `repeat` also takes the number of the copy."""
    if isinstance(function, Expression):
        return len(function.arguments) == 2
    return len(inspect.signature(function).parameters) > 1
