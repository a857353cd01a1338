"""Update rules against their formulas in numpy, dense and by rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format

from easyrec_lite.protos.messages import TrainConfig
from easyrec_lite.training.optimizer import Optimizer, global_norm

RATE = 0.1
Rule = Callable[[np.ndarray, np.ndarray, dict[str, Any], int], np.ndarray]


def adam(w: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g**2
    rate = RATE * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return w - rate * s["m"] / (np.sqrt(s["v"]) + 1e-8)


def momentum(w: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    s["a"] = 0.9 * s.get("a", 0) + g
    return w - RATE * s["a"]


def rms_prop(w: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    s["s"] = 0.9 * s.get("s", 1.0) + 0.1 * g**2
    s["a"] = 0.9 * s.get("a", 0) + RATE * g / np.sqrt(s["s"] + 1.0)
    return w - s["a"]


def adagrad(w: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    s["a"] = s.get("a", 0.1) + g**2
    return w - RATE * g / np.sqrt(s["a"])


def ftrl(w: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    l1, l2 = 0.01, 0.02
    old = s.get("n", np.full_like(w, 0.1))
    s["n"] = old + g**2
    s["z"] = s.get("z", 0) + g - (np.sqrt(s["n"]) - np.sqrt(old)) / RATE * w
    scale = np.sqrt(s["n"]) / RATE + 2 * l2
    return np.where(np.abs(s["z"]) > l1, -(s["z"] - np.sign(s["z"]) * l1) / scale, 0.0)


def decayed(rule: Rule) -> Rule:
    def step(w: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
        return rule(w * (1 - 0.03), g, s, t)

    return step


CASES: dict[str, tuple[str, Rule]] = {
    "adam": ("adam_optimizer", adam),
    "lazy_adam": ("lazy_adam_optimizer", adam),
    "adam_async": ("adam_async_optimizer", adam),
    "momentum": ("momentum_optimizer", momentum),
    "rms_prop": ("rms_prop_optimizer", rms_prop),
    "adagrad": ("adagrad_optimizer", adagrad),
    "ftrl": ("ftrl_optimizer", ftrl),
    "adamw": ("adamw_optimizer", decayed(adam)),
    "adam_asyncw": ("adam_asyncw_optimizer", decayed(adam)),
    "momentumw": ("momentumw_optimizer", decayed(momentum)),
}
OPTIONS = {
    "ftrl": "l1_reg: 0.01 l2_reg: 0.02",
    **dict.fromkeys(["adamw", "adam_asyncw", "momentumw"], "weight_decay: 0.03"),
}


def config(kind: str, options: str = "", outside: str = "", around: str = "") -> Any:
    text = (
        f"optimizer_config {{ {kind} {{ {options} learning_rate {{ constant_learning_rate "
        f"{{ learning_rate: {RATE} }} }} }} {outside} }} {around}"
    )
    return text_format.Parse(text, TrainConfig())


def variables() -> tuple[tf.Variable, tf.Variable]:
    rng = np.random.default_rng(0)
    return (
        tf.Variable(rng.normal(size=(6, 3)), dtype=tf.float32, name="table"),
        tf.Variable(rng.normal(size=(4, 2)), dtype=tf.float32, name="kernel"),
    )


@pytest.mark.parametrize("name", CASES)
def test_rule_follows_its_formula(name: str) -> None:
    kind, rule = CASES[name]
    table, kernel = variables()
    trainable = {"table": table, "kernel": kernel}
    optimizer = Optimizer(config(kind, OPTIONS.get(name, "")), trainable, {"table"})
    rng = np.random.default_rng(1)
    rows = {row: (table.numpy()[row].astype(np.float64), {}) for row in range(6)}
    dense, state = kernel.numpy().astype(np.float64), {}
    for step, ids in enumerate([[1, 4, 1], [0, 4, 4], [5, 1, 2]]):
        values = rng.normal(size=(3, 3)).astype(np.float32)
        gradient = rng.normal(size=(4, 2)).astype(np.float32)
        slices = tf.IndexedSlices(tf.constant(values), tf.constant(ids, tf.int64), (6, 3))
        ready = optimizer.prepare({"table": slices, "kernel": tf.constant(gradient)})
        optimizer.apply(ready, tf.constant(step, tf.int64))
        dense = rule(dense, gradient.astype(np.float64), state, step + 1)
        for row in set(ids):
            summed = sum(values[i].astype(np.float64) for i, n in enumerate(ids) if n == row)
            weights, slots = rows[row]
            rows[row] = (rule(weights, summed, slots, step + 1), slots)
    np.testing.assert_allclose(kernel, dense, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(table, [rows[r][0] for r in range(6)], rtol=2e-5, atol=1e-6)


def test_decay_all_rows_is_dense_adam_on_a_table() -> None:
    table, _ = variables()
    optimizer = Optimizer(
        config("adam_optimizer", "decay_all_rows: true"), {"table": table}, {"table"}
    )
    weights, state = table.numpy().astype(np.float64), {}
    for step, row in enumerate([2, 5, 2]):
        gradient = np.zeros((6, 3))
        gradient[row] = 0.5 + step
        slices = tf.IndexedSlices(
            tf.constant(gradient[row : row + 1], tf.float32), tf.constant([row], tf.int64), (6, 3)
        )
        optimizer.apply(optimizer.prepare({"table": slices}), tf.constant(step, tf.int64))
        weights = adam(weights, gradient, state, step + 1)
    np.testing.assert_allclose(table, weights, rtol=1e-5)
    assert not np.allclose(weights[5], variables()[0].numpy()[5])


def test_no_ids_move_nothing() -> None:
    table, _ = variables()
    before = table.numpy()
    optimizer = Optimizer(config("adam_optimizer"), {"table": table}, {"table"})
    empty = tf.IndexedSlices(tf.zeros([0, 3]), tf.zeros([0], tf.int64), (6, 3))
    optimizer.apply(optimizer.prepare({"table": empty}), tf.constant(0, tf.int64))
    np.testing.assert_array_equal(table, before)


def test_two_optimizers_take_tables_and_the_rest() -> None:
    table, kernel = variables()
    message = config("adagrad_optimizer")
    message.optimizer_config.add().CopyFrom(config("momentum_optimizer").optimizer_config[0])
    optimizer = Optimizer(message, {"table": table, "kernel": kernel}, {"table"})
    assert set(optimizer.variables_by_name()) == {"table/accumulator", "kernel/momentum"}
    assert set(optimizer.rates(tf.constant(0))) == {"embedding_rate", "learning_rate"}


def test_clipping_multiplier_and_freezing() -> None:
    table, kernel = variables()
    message = config(
        "momentum_optimizer",
        outside="embedding_learning_rate_multiplier: 3",
        around='gradient_clipping_by_norm: 1 freeze_gradient: "^ker"',
    )
    optimizer = Optimizer(message, {"table": table, "kernel": kernel}, {"table"})
    slices = tf.IndexedSlices(tf.ones([2, 3]), tf.constant([1, 1], tf.int64), (6, 3))
    ready = optimizer.prepare({"table": slices, "kernel": tf.ones([4, 2])})
    assert list(ready) == ["table"]
    assert float(global_norm(ready)) == pytest.approx(1.0)
    unclipped = Optimizer(
        config("momentum_optimizer", outside="embedding_learning_rate_multiplier: 3"),
        {"table": table},
        {"table"},
    ).prepare({"table": slices})
    np.testing.assert_allclose(unclipped["table"].values, [[6.0, 6.0, 6.0]])


def test_a_small_gradient_is_not_scaled_up_by_clipping() -> None:
    _, kernel = variables()
    optimizer = Optimizer(
        config("momentum_optimizer", around="gradient_clipping_by_norm: 100"),
        {"kernel": kernel},
        set(),
    )
    ready = optimizer.prepare({"kernel": tf.ones([4, 2])})
    np.testing.assert_allclose(ready["kernel"], np.ones([4, 2]))


def test_moving_averages() -> None:
    _, kernel = variables()
    message = config(
        "momentum_optimizer", outside="use_moving_average: true moving_average_decay: 0.75"
    )
    optimizer = Optimizer(message, {"kernel": kernel}, set())
    before = kernel.numpy()
    kernel.assign(before + 4.0)
    optimizer.update_averages({"kernel": kernel})
    np.testing.assert_allclose(optimizer.averages["kernel"], before + 1.0, rtol=1e-6)
