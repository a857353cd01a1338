"""Update rules: how one variable moves by its gradient.

Each rule has a dense form for weights and a form by rows for embedding tables, which touches only
the rows that were looked up, so that its cost does not grow with the table. `rows` are unique
int64 [U], `gradient` float32 [U, D] in the row form. Native kernels serve where TensorFlow has
them. `step` counts from 1.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

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


class Adam(UpdateRule):
    """Adam in TensorFlow 1's form: epsilon stands outside the bias correction.

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


class Momentum(UpdateRule):
    """`a ← μa + g`, `w ← w − rate·a`."""

    slots = {"momentum": 0.0}  # noqa: RUF012

    def __init__(self, momentum: float):
        self.momentum = momentum

    def dense(
        self, variable: tf.Variable, slots: Slots, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the whole of `variable`."""
        tf.raw_ops.ResourceApplyMomentum(
            var=variable.handle,
            accum=slots["momentum"].handle,
            lr=rate,
            grad=gradient,
            momentum=self.momentum,
        )

    def by_rows(
        self, variable: tf.Variable, slots: Slots, rows: Any, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the `rows`; others keep their velocity and stay."""
        tf.raw_ops.ResourceSparseApplyMomentum(
            var=variable.handle,
            accum=slots["momentum"].handle,
            lr=rate,
            grad=gradient,
            indices=rows,
            momentum=self.momentum,
        )


class RMSProp(UpdateRule):
    """`s ← δs + (1−δ)g²`, `a ← μa + rate·g/√(s + ε)`, `w ← w − a`; s starts at 1.

    Source: Tieleman and Hinton, lecture 6.5 of Neural Networks for Machine Learning.
    """

    slots = {"rms": 1.0, "momentum": 0.0}  # noqa: RUF012

    def __init__(self, decay: float, momentum: float, epsilon: float):
        self.decay, self.momentum, self.epsilon = decay, momentum, epsilon

    def _arguments(self, variable: tf.Variable, slots: Slots, gradient: Any, rate: Any) -> dict:
        return {
            "var": variable.handle,
            "ms": slots["rms"].handle,
            "mom": slots["momentum"].handle,
            "lr": rate,
            "rho": self.decay,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "grad": gradient,
        }

    def dense(
        self, variable: tf.Variable, slots: Slots, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the whole of `variable`."""
        tf.raw_ops.ResourceApplyRMSProp(**self._arguments(variable, slots, gradient, rate))

    def by_rows(
        self, variable: tf.Variable, slots: Slots, rows: Any, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the `rows`."""
        arguments = self._arguments(variable, slots, gradient, rate)
        tf.raw_ops.ResourceSparseApplyRMSProp(indices=rows, **arguments)


class Adagrad(UpdateRule):
    """`a ← a + g²`, `w ← w − rate·g/√a`.

    Source: Duchi et al., Adaptive Subgradient Methods, JMLR 2011.
    """

    def __init__(self, initial_accumulator: float):
        self.slots = {"accumulator": initial_accumulator}

    def dense(
        self, variable: tf.Variable, slots: Slots, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the whole of `variable`."""
        tf.raw_ops.ResourceApplyAdagrad(
            var=variable.handle, accum=slots["accumulator"].handle, lr=rate, grad=gradient
        )

    def by_rows(
        self, variable: tf.Variable, slots: Slots, rows: Any, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the `rows`."""
        tf.raw_ops.ResourceSparseApplyAdagrad(
            var=variable.handle,
            accum=slots["accumulator"].handle,
            lr=rate,
            grad=gradient,
            indices=rows,
        )


class Ftrl(UpdateRule):
    """Follow the regularised leader, per coordinate, with L1, L2 and shrinkage L2.

    Source: McMahan et al., Ad Click Prediction: a View from the Trenches, KDD 2013.
    """

    def __init__(
        self, initial_accumulator: float, power: float, l1: float, l2: float, shrinkage: float
    ):
        self.slots = {"accumulator": initial_accumulator, "linear": 0.0}
        self.power, self.l1, self.l2, self.shrinkage = power, l1, l2, shrinkage

    def _arguments(self, variable: tf.Variable, slots: Slots, gradient: Any, rate: Any) -> dict:
        return {
            "var": variable.handle,
            "accum": slots["accumulator"].handle,
            "linear": slots["linear"].handle,
            "grad": gradient,
            "lr": rate,
            "l1": self.l1,
            "l2": self.l2,
            "l2_shrinkage": self.shrinkage,
            "lr_power": self.power,
        }

    def dense(
        self, variable: tf.Variable, slots: Slots, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the whole of `variable`."""
        tf.raw_ops.ResourceApplyFtrlV2(**self._arguments(variable, slots, gradient, rate))

    def by_rows(
        self, variable: tf.Variable, slots: Slots, rows: Any, gradient: Any, rate: Any, step: Any
    ) -> None:
        """Moves the `rows`."""
        arguments = self._arguments(variable, slots, gradient, rate)
        tf.raw_ops.ResourceSparseApplyFtrlV2(indices=rows, **arguments)


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


def make_rule(config: Any, kind: str) -> UpdateRule:
    """Returns the rule of an `Optimizer` message whose oneof holds `kind`."""
    message = getattr(config, kind)
    if kind == "rms_prop_optimizer":
        return RMSProp(message.decay, message.momentum_optimizer_value, message.epsilon)
    if kind == "adagrad_optimizer":
        return Adagrad(message.initial_accumulator_value)
    if kind == "ftrl_optimizer":
        return Ftrl(
            message.initial_accumulator_value,
            message.learning_rate_power,
            message.l1_reg,
            message.l2_reg,
            message.l2_shrinkage_reg,
        )
    rule: UpdateRule
    if kind.startswith("momentum"):
        rule = Momentum(message.momentum_optimizer_value)
    else:
        everywhere = kind == "adam_optimizer" and message.decay_all_rows
        rule = Adam(message.beta1, message.beta2, decay_all_rows=everywhere)
    decay = getattr(message, "weight_decay", 0.0)
    return WeightDecay(rule, decay) if decay else rule
