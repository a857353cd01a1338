"""The lengths of the sequences in a pass through a backbone, so that padding is never read as data.

Sequences are padded with zeros to the longest row of a batch. In steps:

1. The input of a group gives its steps [B, L, D] and lengths [B]; the tensor is noted.
2. A layer whose `call` takes `mask` receives the mask [B, L] of a noted tensor; reductions over the
   steps in an expression leave the padding out.
3. A result that is still a sequence, by its shape in the first pass, is noted with the same
   lengths, and its padding is set to zero again: biases and activations do not fill it.

A block that reads its padding as data (`read_padding`) has no masks, and its padding is not set to
zero; the lengths still reach the blocks behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.config import functions
from easyrec_lite.config.expressions import Expression, Library

# A length that no other size has: of the sequences of the first pass, so that a result with as many
# steps is known, and a drawing can mark it as L.
EXAMPLE_STEPS = 61


class StepLengths:
    """Which tensors of one pass are padded sequences [B, L, …], and how long their rows are.

    Args:
      kept: use of a result → whether it is a sequence; shared by all passes.
      example: whether the pass fills `kept`: its sequences have `EXAMPLE_STEPS` steps.

    Attributes:
      masks_steps: whether there are masks, so that padding is not read.
    """

    def __init__(self, kept: dict[Any, bool], example: bool = False):
        self._kept = kept
        self._example = example
        # The tensor is held so that its id stays its own.
        self._known: dict[int, tuple[tf.Tensor, tf.Tensor]] = {}
        self.masks_steps = True

    def __bool__(self) -> bool:
        return bool(self._known)

    def without_masks(self) -> StepLengths:
        """Returns the same lengths, for a block that reads its padding as data."""
        lengths = copy(self)
        lengths.masks_steps = False
        return lengths

    def add(self, steps: tf.Tensor, lengths: tf.Tensor) -> None:
        """Notes a sequence [B, L, …] whose rows have `lengths` [B] steps."""
        self._known[id(steps)] = (steps, lengths)

    def mask(self, value: Any) -> tf.Tensor | None:
        """Returns which steps of `value` are real, boolean [B, L]; None if it is no sequence."""
        known = self._known.get(id(value)) if self.masks_steps else None
        return None if known is None else tf.sequence_mask(known[1], tf.shape(known[0])[1])

    def masks(self, value: Any) -> Any:
        """Returns the mask of a tensor, or a list of those of a list; None if there is none."""
        if not isinstance(value, list | tuple):
            return self.mask(value)
        masks = [self.mask(part) for part in value]
        return masks if any(mask is not None for mask in masks) else None

    def carry(self, use: Any, value: Any, result: Any) -> Any:
        """Returns `result`, computed from `value`, with zeros as padding where it is a sequence.

        Its lengths are those of the first sequence in `value`.

        Args:
          use: what computes it; the same in each pass.
          value: tensor, or a list of tensors and lists.
          result: the same.
        """
        sources = [id(part) in self._known for part in _tensors(value)]
        if not any(sources):
            return result
        first = next(part for part in _tensors(value) if id(part) in self._known)
        return self._carried((use, tuple(sources)), self._known[id(first)][1], result)

    def _carried(self, use: Any, lengths: tf.Tensor, result: Any) -> Any:
        if isinstance(result, list | tuple) and not hasattr(result, "_fields"):
            return [self._carried((use, i), lengths, part) for i, part in enumerate(result)]
        if not tf.is_tensor(result) or id(result) in self._known:
            return result
        if self._example:
            shape = result.shape
            self._kept[use] = shape.rank >= 2 and shape[1] == EXAMPLE_STEPS
        if not self._kept.get(use):
            return result
        if not self.masks_steps:
            self.add(result, lengths)
            return result
        mask = tf.sequence_mask(lengths, tf.shape(result)[1])
        zeroed = tf.where(_to_rank(mask, result), result, tf.zeros([], result.dtype))
        self.add(zeroed, lengths)
        return zeroed

    def compute(self, function: Callable[..., Any], *args: Any) -> Any:
        """Returns `function(*args)`; reductions over the steps of a sequence skip the padding."""
        if isinstance(function, Expression) and self and self.masks_steps:
            return function.evaluate(args, Library(self._call))
        return function(*args)

    def _call(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        reduce = _MASKED.get(name.rpartition(".")[2])
        given = dict(zip(_parameters(name), args, strict=False)) | dict(kwargs)
        value: Any = next((given[key] for key in _VALUES if key in given), None)
        mask = self.mask(value)
        axis = given.get("axis", -1 if name.endswith("softmax") else None)
        if reduce is None or mask is None or axis not in (1, 1 - len(value.shape), [1]):
            return functions.call(name, args, kwargs)
        return reduce(value, _to_rank(mask, value), bool(given.get("keepdims", False)))


def same_rows(one: Any, other: Any, lengths: StepLengths) -> bool:
    """Returns whether two results agree up to rounding.

    Args:
      one: the result for short sequences.
      other: that for longer padding, whose further steps are not compared.
      lengths: the sequences among `one`.
    """
    if isinstance(one, list | tuple):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(same_rows(*pair, lengths) for pair in pairs)
    if not tf.is_tensor(one) or not one.dtype.is_floating:
        return True
    a, b = np.asarray(one), np.asarray(other)
    if lengths.mask(one) is not None:
        b = b[:, : a.shape[1]]
    if a.shape != b.shape:
        return False
    return bool(np.allclose(a, b, rtol=1e-3, atol=1e-4 * max(1.0, float(np.abs(a).max(initial=0)))))


def _tensors(value: Any) -> Iterator[tf.Tensor]:
    if isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)
    elif tf.is_tensor(value):
        yield value


def _to_rank(mask: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """Returns [B, L] as [B, L, 1, …] of the rank of `value`."""
    return tf.reshape(mask, tf.concat([tf.shape(mask), [1] * (value.shape.rank - 2)], axis=0))


# Reductions over axis 1 of values with a mask of their rank. A row without steps gives 0.


def _mean(value: tf.Tensor, mask: tf.Tensor, keepdims: bool) -> tf.Tensor:
    real = tf.cast(mask, value.dtype)
    total = tf.reduce_sum(value * real, axis=1, keepdims=keepdims)
    return tf.math.divide_no_nan(total, tf.reduce_sum(real, axis=1, keepdims=keepdims))


def _largest(value: tf.Tensor, mask: tf.Tensor, keepdims: bool) -> tf.Tensor:
    largest = tf.reduce_max(tf.where(mask, value, value.dtype.min), axis=1, keepdims=keepdims)
    some = tf.reduce_any(mask, axis=1, keepdims=keepdims)
    return tf.where(some, largest, tf.zeros([], value.dtype))


def _smallest(value: tf.Tensor, mask: tf.Tensor, keepdims: bool) -> tf.Tensor:
    return -_largest(-value, mask, keepdims)


def _softmax(value: tf.Tensor, mask: tf.Tensor, keepdims: bool) -> tf.Tensor:
    shares = tf.nn.softmax(tf.where(mask, value, value.dtype.min), axis=1)
    return tf.where(mask, shares, tf.zeros([], value.dtype))


_MASKED: Mapping[str, Callable[[tf.Tensor, tf.Tensor, bool], tf.Tensor]] = {
    "reduce_mean": _mean,
    "reduce_max": _largest,
    "reduce_min": _smallest,
    "softmax": _softmax,
}
_VALUES = ("input_tensor", "logits")


def _parameters(name: str) -> tuple[str, ...]:
    return ("logits", "axis") if name.endswith("softmax") else ("input_tensor", "axis", "keepdims")
