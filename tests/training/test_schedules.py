"""Each schedule against its formula, written out in plain Python."""

from __future__ import annotations

import math

import pytest
import tensorflow as tf
from google.protobuf import text_format

from easyrec_lite.protos.messages import LearningRate
from easyrec_lite.training.schedules import make_schedule

STEPS = [0, 1, 4, 5, 9, 10, 11, 19, 20, 99, 1000, 5000]


def rates(text: str, steps: list[int] = STEPS) -> list[float]:
    schedule = make_schedule(text_format.Parse(text, LearningRate()))
    return [float(schedule(tf.constant(step, tf.float32))) for step in steps]


def test_constant() -> None:
    assert rates("constant_learning_rate { learning_rate: 0.25 }") == [0.25] * len(STEPS)


@pytest.mark.parametrize("staircase", [True, False])
def test_exponential_decay(staircase: bool) -> None:
    flag = str(staircase).lower()
    found = rates(
        "exponential_decay_learning_rate { initial_learning_rate: 0.1 decay_steps: 10 "
        f"decay_factor: 0.5 min_learning_rate: 0.001 staircase: {flag} }}"
    )
    exponents = [math.floor(s / 10) if staircase else s / 10 for s in STEPS]
    assert found == pytest.approx([max(0.1 * 0.5**e, 0.001) for e in exponents], rel=1e-5)


def test_exponential_decay_burns_in_from_its_own_rate() -> None:
    found = rates(
        "exponential_decay_learning_rate { initial_learning_rate: 0.1 decay_steps: 10 "
        "decay_factor: 0.5 burnin_learning_rate: 0.02 burnin_steps: 4 }",
        [0, 2, 4, 13, 14],
    )
    assert found == pytest.approx([0.02, 0.06, 0.1, 0.1, 0.05], rel=1e-5)


def test_exponential_decay_with_no_burnin_rate_starts_at_the_initial_rate() -> None:
    found = rates(
        "exponential_decay_learning_rate { initial_learning_rate: 0.1 burnin_steps: 4 }", [0, 3]
    )
    assert found == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize(
    ("warmup", "expected"),
    [
        ("false", [1.0, 1.0, 0.5, 0.5, 0.1, 0.1]),
        ("true", [1.0, 0.55, 0.5, 0.5, 0.1, 0.1]),
    ],
)
def test_manual_step(warmup: str, expected: list[float]) -> None:
    found = rates(
        "manual_step_learning_rate { initial_learning_rate: 1 "
        "schedule { step: 10 learning_rate: 0.5 } schedule { step: 20 learning_rate: 0.1 } "
        f"warmup: {warmup} }}",
        [0, 9, 10, 19, 20, 500],
    )
    assert found == pytest.approx(expected, rel=1e-5)


def test_cosine_decay_warms_up_holds_and_ends_at_zero() -> None:
    found = rates(
        "cosine_decay_learning_rate { learning_rate_base: 1 total_steps: 100 "
        "warmup_learning_rate: 0.2 warmup_steps: 10 hold_base_rate_steps: 20 }",
        [0, 5, 10, 29, 30, 65, 100, 101],
    )
    half = 0.5 * (1 + math.cos(math.pi * 35 / 70))
    assert found == pytest.approx([0.2, 0.6, 1, 1, 1, half, 0, 0], abs=1e-5)


def test_poly_decay_ends_at_the_end_rate() -> None:
    found = rates(
        "poly_decay_learning_rate { learning_rate_base: 1 total_steps: 10 power: 2 "
        "end_learning_rate: 0.1 }",
        [0, 5, 10, 50],
    )
    assert found == pytest.approx([1.0, 0.9 * 0.25 + 0.1, 0.1, 0.1], rel=1e-5)


def test_transformer_peaks_at_the_end_of_its_warm_up() -> None:
    found = rates(
        "transformer_learning_rate { learning_rate_base: 2 hidden_size: 16 warmup_steps: 4 }",
        [0, 3, 15],
    )
    expected = [2 / 4 * min((s + 1) ** -0.5, (s + 1) * 4**-1.5) for s in (0, 3, 15)]
    assert found == pytest.approx(expected, rel=1e-5)
