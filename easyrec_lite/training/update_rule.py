"""Update rules: how a variable is changed by its gradient.

Each rule has a dense form for weights and a form by rows for embedding tables, which touches only
the rows that were looked up, so that its cost does not grow with the table. `rows` are unique
int64 [U], `gradient` float32 [U, D] in the row form. Native kernels serve where TensorFlow has
them. `step` counts from 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from google.protobuf.message import Message

Slots = dict[str, tf.Variable]


class UpdateRule:
    """One update rule; `slots` maps each state variable's name to its initial value."""

    slots: dict[str, float] = {}  # noqa: RUF012 - replaced, never changed, by subclasses

    def dense(
        self, variable: tf.Variable, slots: Slots, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the whole of `variable`."""
        raise TypeError(f"{type(self).__name__} has no dense form")

    def by_rows(
        self, variable: tf.Variable, slots: Slots, rows: Any, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the `rows` of `variable`, and their state, and nothing else."""
        raise TypeError(f"{type(self).__name__} has no form by rows")


class KernelRule(UpdateRule, ABC):
    """A rule that is one of TensorFlow's kernels, with a sparse twin for rows.

    Attributes:
      apply: the operation of `tf.raw_ops` on a whole variable.
      apply_rows: that on rows, which takes `indices` besides.
    """

    apply: Callable[..., Any]
    apply_rows: Callable[..., Any]

    @abstractmethod
    def arguments(self, slots: Slots) -> dict[str, Any]:
        """Returns the arguments of both kernels for the state and the rule's constants."""

    def dense(
        self, variable: tf.Variable, slots: Slots, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the whole of `variable`."""
        type(self).apply(var=variable.handle, grad=gradient, lr=rate, **self.arguments(slots))

    def by_rows(
        self, variable: tf.Variable, slots: Slots, rows: Any, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the `rows`; others stay, and keep their state."""
        type(self).apply_rows(
            var=variable.handle, grad=gradient, lr=rate, indices=rows, **self.arguments(slots)
        )


class WeightDecay(UpdateRule):
    """Another rule, after `w ← w − decay·w` (decoupled: the rate does not scale the decay).

    By rows, only the rows that were looked up decay.
    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019.
    """

    def __init__(self, rule: UpdateRule, decay: float):
        self.rule, self.decay = rule, decay
        self.slots = rule.slots

    def dense(
        self, variable: tf.Variable, slots: Slots, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Shrinks, then moves the whole of `variable`."""
        variable.assign_sub(self.decay * variable)
        self.rule.dense(variable, slots, gradient, rate, step)

    def by_rows(
        self, variable: tf.Variable, slots: Slots, rows: Any, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Shrinks, then moves the `rows`."""
        shrink = self.decay * tf.gather(variable, rows)
        variable.scatter_sub(tf.IndexedSlices(shrink, rows))
        self.rule.by_rows(variable, slots, rows, gradient, rate, step)


def with_weight_decay(rule: UpdateRule, params: Message) -> UpdateRule:
    """Returns the rule, with decoupled weight decay if the optimiser's message asks for it."""
    decay = getattr(params, "weight_decay", 0.0)
    return WeightDecay(rule, decay) if decay else rule
