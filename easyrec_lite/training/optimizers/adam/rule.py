"""Adam and its variants: how it moves a variable."""

from __future__ import annotations

from typing import Any, TypeAlias

import tensorflow as tf

from easyrec_lite.checks.specs.optimizer import OPTIMIZERS
from easyrec_lite.protos import messages
from easyrec_lite.training.update_rule import Slots, UpdateRule, with_weight_decay


class Adam(UpdateRule):
    """Adam in TensorFlow 1's form: epsilon is outside the bias correction.

    `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`,
    `w ← w − rate·√(1−β₂ᵗ)/(1−β₁ᵗ) · m/(√v + ε)`. By rows it is the lazy variant: rows that were
    not looked up keep their moments. With `decay_all_rows` tables follow the dense rule.
    Source: Kingma and Ba, Adam (the form just before section 2.1).
    """

    slots = {"m": 0.0, "v": 0.0}  # noqa: RUF012

    def __init__(
        self, beta1: float, beta2: float, epsilon: float = 1e-8, decay_all_rows: bool = False
    ):
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.decay_all_rows = decay_all_rows

    def _scaled(self, rate: Any, step: Any) -> tf.Tensor:
        time = tf.cast(step, tf.float32)
        first = 1.0 - tf.pow(tf.constant(self.beta1, tf.float32), time)
        second = 1.0 - tf.pow(tf.constant(self.beta2, tf.float32), time)
        return rate * tf.sqrt(second) / first

    def dense(
        self, variable: tf.Variable, slots: Slots, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the whole of `variable`."""
        time = tf.cast(step, tf.float32)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=slots["m"].handle,
            v=slots["v"].handle,
            beta1_power=tf.pow(tf.constant(self.beta1, tf.float32), time),
            beta2_power=tf.pow(tf.constant(self.beta2, tf.float32), time),
            lr=rate,
            beta1=self.beta1,
            beta2=self.beta2,
            epsilon=self.epsilon,
            grad=gradient,
        )

    def by_rows(
        self, variable: tf.Variable, slots: Slots, rows: Any, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the `rows`; every row when `decay_all_rows`."""
        first, second = slots["m"], slots["v"]
        scaled = self._scaled(rate, step)
        if self.decay_all_rows:
            first.assign(first * self.beta1)
            second.assign(second * self.beta2)
            first.scatter_add(tf.IndexedSlices((1.0 - self.beta1) * gradient, rows))
            second.scatter_add(tf.IndexedSlices((1.0 - self.beta2) * tf.square(gradient), rows))
            variable.assign_sub(scaled * first / (tf.sqrt(second) + self.epsilon))
            return
        new_first = self.beta1 * tf.gather(first, rows) + (1.0 - self.beta1) * gradient
        new_second = self.beta2 * tf.gather(second, rows)
        new_second += (1.0 - self.beta2) * tf.square(gradient)
        first.scatter_update(tf.IndexedSlices(new_first, rows))
        second.scatter_update(tf.IndexedSlices(new_second, rows))
        move = scaled * new_first / (tf.sqrt(new_second) + self.epsilon)
        # `scatter_sub` is several times slower than reading, subtracting and writing.
        variable.scatter_update(tf.IndexedSlices(tf.gather(variable, rows) - move, rows))


AdamMessage: TypeAlias = (
    "messages.AdamOptimizer | messages.LazyAdamOptimizer | messages.AdamAsyncOptimizer"
    " | messages.AdamWOptimizer | messages.AdamAsyncWOptimizer"
)


@OPTIMIZERS.implement(
    "adam_optimizer",
    "lazy_adam_optimizer",
    "adam_async_optimizer",
    "adamw_optimizer",
    "adam_asyncw_optimizer",
)
def adam(params: AdamMessage) -> UpdateRule:
    """Returns the rule of the optimiser's message."""
    rule = Adam(params.beta1, params.beta2, decay_all_rows=getattr(params, "decay_all_rows", False))
    return with_weight_decay(rule, params)
