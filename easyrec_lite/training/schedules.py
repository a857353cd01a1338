"""Learning-rate schedules: the six of the `LearningRate` message, each a function of the step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from easyrec_lite.protos.messages import (
    ConstantLearningRate,
    CosineDecayLearningRate,
    ExponentialDecayLearningRate,
    LearningRate,
    ManualStepLearningRate,
    PolyDecayLearningRate,
    TransformerLearningRate,
)

Schedule = Callable[[tf.Tensor], tf.Tensor]


def make_schedule(config: LearningRate) -> Schedule:
    """Returns the schedule that a checked `LearningRate` message asks for.

    The schedule maps a float32 scalar (steps done so far) to the learning rate, float32.
    """
    kind = config.WhichOneof("learning_rate")
    return _SCHEDULES[kind](getattr(config, kind))


def constant(config: ConstantLearningRate) -> Schedule:
    """The same rate at every step."""
    return lambda step: tf.constant(config.learning_rate, tf.float32)


def exponential_decay(config: ExponentialDecayLearningRate) -> Schedule:
    """`initial · factor^((step − burnin)/decay_steps)`, floored exponent if staircase.

    Never below `min_learning_rate`. During the burn-in the rate changes linearly from
    `burnin_learning_rate` (0 stands for the initial rate) to the initial rate.
    """
    initial = config.initial_learning_rate
    start = config.burnin_learning_rate or initial

    def rate(step: tf.Tensor) -> tf.Tensor:
        exponent = (step - config.burnin_steps) / max(config.decay_steps, 1)
        exponent = tf.floor(exponent) if config.staircase else exponent
        decayed = initial * tf.pow(tf.constant(config.decay_factor, tf.float32), exponent)
        warm = start + (initial - start) * step / max(config.burnin_steps, 1)
        value = tf.where(step < config.burnin_steps, warm, decayed)
        return tf.maximum(value, config.min_learning_rate)

    return rate


def manual_step(config: ManualStepLearningRate) -> Schedule:
    """Piecewise constant: from each `schedule.step` on, its rate.

    With `warmup`, the rate changes linearly from the initial one to the first schedule's.
    """
    steps = [0.0, *(float(entry.step) for entry in config.schedule)]
    rates = [config.initial_learning_rate, *(entry.learning_rate for entry in config.schedule)]

    def rate(step: tf.Tensor) -> tf.Tensor:
        index = tf.searchsorted(tf.constant(steps), step[None], side="right")[0] - 1
        value = tf.gather(tf.constant(rates, tf.float32), index)
        if not config.warmup or len(steps) == 1:
            return value
        warm = rates[0] + (rates[1] - rates[0]) * step / max(steps[1], 1.0)
        return tf.where(step < steps[1], warm, value)

    return rate


def cosine_decay(config: CosineDecayLearningRate) -> Schedule:
    """Linear warm-up, an optional hold at the base rate, then half a cosine down to 0."""
    warmup, hold = config.warmup_steps, config.hold_base_rate_steps
    base, span = config.learning_rate_base, max(config.total_steps - warmup - hold, 1)

    def rate(step: tf.Tensor) -> tf.Tensor:
        angle = math.pi * (step - warmup - hold) / span
        value = 0.5 * base * (1.0 + tf.cos(angle))
        value = tf.where(step < warmup + hold, base, value)
        start = config.warmup_learning_rate
        warm = start + (base - start) * step / max(warmup, 1)
        value = tf.where(step < warmup, warm, value)
        return tf.where(step > config.total_steps, 0.0, value)

    return rate


def poly_decay(config: PolyDecayLearningRate) -> Schedule:
    """`(base − end) · (1 − step/total)^power + end`, constant once `total_steps` are done."""

    def rate(step: tf.Tensor) -> tf.Tensor:
        left = 1.0 - tf.minimum(step / max(config.total_steps, 1), 1.0)
        end = config.end_learning_rate
        return (config.learning_rate_base - end) * tf.pow(left, config.power) + end

    return rate


def transformer(config: TransformerLearningRate) -> Schedule:
    """`base · hidden^−0.5 · min((s+1)^−0.5, (s+1) · warmup^−1.5)`, s = scaled step.

    Source: Vaswani et al., Attention Is All You Need, section 5.3.
    """

    def rate(step: tf.Tensor) -> tf.Tensor:
        scaled = step * config.step_scaling_rate + 1.0
        rising = scaled * float(max(config.warmup_steps, 1)) ** -1.5
        shape = tf.minimum(rising, tf.math.rsqrt(scaled))
        return config.learning_rate_base * float(config.hidden_size) ** -0.5 * shape

    return rate


_SCHEDULES: dict[str, Callable[[Any], Schedule]] = {
    "constant_learning_rate": constant,
    "exponential_decay_learning_rate": exponential_decay,
    "manual_step_learning_rate": manual_step,
    "cosine_decay_learning_rate": cosine_decay,
    "poly_decay_learning_rate": poly_decay,
    "transformer_learning_rate": transformer,
}
