"""Expressions on made-up rows: what NumPy says of them against what TensorFlow computes."""

from __future__ import annotations

import numpy as np
import pytest

from easyrec_lite.config.expressions import compile_expression, compile_function
from easyrec_lite.core.errors import ConfigError, Problem
from tests.checks.test_rules_features import city
from tests.config.base_config import problems, replaced

tf = pytest.importorskip("tensorflow")

EXPR = 'input_names: "age" feature_name: "city" feature_type: ExprFeature expression: "CODE"'
RAW = 'input_names: "age" feature_name: "city" feature_type: RawFeature normalizer_fn: "CODE"'
# Which of these give one number a row, TensorFlow says below.
CODES = [
    "age",
    "3",
    "age > 3",
    "(age > 1) * age",
    "(age > 1) & (age < 3)",
    "~(age == 1)",
    "tf.cast(age > 1, tf.float64) * age",
    "tf.cast(age, tf.float32) + age",
    "tf.cast(age, tf.int32) * 0.5",
    "tf.cast(age, tf.int32) // 2",
    "age[:, None] * age",
    "age[1]",
    "age[:1]",
    "age[-1] + age",
    "age[None, :][0]",
    "tf.reshape(age, [2])",
    "tf.reshape(age, [-1, 1])[:, 0]",
    "tf.reshape(age, [-1, 1])",
    "tf.expand_dims(age, 1) + age",
    "tf.reduce_mean(age)",
    "age - tf.reduce_mean(age, 0, True)",
    "tf.reduce_sum(tf.stack([age, age], axis=1), axis=1)",
    "tf.stack([age, age])",
    "tf.concat([age, age], 0)",
    "tf.concat([age, age], axis=1)",
    "tf.add_n([age, age])",
    "tf.tensordot(age, age, 0)",
    "tf.tensordot(age, age, 1)",
    "tf.where(age > 3, age, 1.0)",
    "tf.where(age > 3, 1.0, 0.0)",
    "tf.where(age > 3, age, tf.cast(age, tf.float32))",
    "tf.clip_by_value(age, 0, 10)",
    "tf.maximum(age, 3)",
    "tf.minimum(age, tf.cast(age, tf.int64))",
    "tf.math.log1p(age) / 10.0",
    "tf.math.divide_no_nan(age, age - 1)",
    "tf.sigmoid(age) ** 2 % 1",
    "tf.nn.relu(age - 1)",
    "tf.squeeze(age)",
    "tf.tile(age, [2])",
    "tf.reverse(age, [0])",
    "tf.one_hot(tf.cast(age, tf.int32), 3)",
    "[age, age][1]",
]


def fails(code: str) -> bool:
    """Returns whether TensorFlow gives no number a row for a batch of 1, 2 or 3 rows."""
    expression = compile_expression(code, ["age"])
    try:
        for rows in (1, 2, 3):
            age = tf.constant(np.arange(rows), tf.float64)
            tf.broadcast_to(tf.cast(expression(age), tf.float32), [rows])
    except (ConfigError, tf.errors.OpError, ValueError, TypeError):
        return True
    return False


def found(kind: str, code: str) -> list[Problem]:
    each = problems(city(kind.replace("CODE", code)))
    return [problem for problem in each if problem.path.endswith(("expression", "normalizer_fn"))]


# NumPy does not compute the function, so that nothing is said of it.
# Numbers times bools are what the version of TensorFlow says.
UNTOLD = {"tf.one_hot(tf.cast(age, tf.int32), 3)", "(age > 1) * age"}


@pytest.mark.parametrize("code", CODES)
def test_the_verdict_is_tensorflows(code: str) -> None:
    errors = [problem for problem in found(EXPR, code) if problem.severity == "error"]
    assert bool(errors) == (fails(code) and code not in UNTOLD)
    if errors:
        (error,) = errors
        assert error.place.line
        assert code in error.found


@pytest.mark.parametrize(
    ("code", "right"),
    [
        ("lambda x: x / 2", True),
        ("tf.math.log1p", True),
        ("lambda x: x - tf.reduce_mean(x)", True),
        ("lambda x: x[:, 0]", False),
        ("lambda x: x[:, :, None]", False),
        ("lambda x: 3", False),
        ("lambda x: tf.cast(x, tf.float64) + x", False),
        ("tf.squeeze", False),
    ],
)
def test_a_normalised_feature_keeps_its_shape(code: str, right: bool) -> None:
    value = tf.zeros([2, 1])
    try:
        tf.ensure_shape(tf.cast(compile_function(code)(value), tf.float32), value.shape)
    except (ConfigError, tf.errors.OpError, ValueError):
        assert not right
    else:
        assert right
    assert [problem.severity for problem in found(RAW, code)] == ([] if right else ["error"])


def test_a_batch_of_one_row_is_tried() -> None:
    (error,) = found(EXPR, "age[1]")
    assert "1 row" in error.message


def test_a_result_that_is_not_finite_is_a_warning() -> None:
    (warning,) = found(RAW, "lambda x: tf.math.log(x)")
    assert warning.severity == "warning"
    assert "-inf" in warning.found
    assert "x = 0" in warning.found
    scaled = RAW.replace("CODE", "lambda x: tf.math.log(x + 1)")
    assert not found(f"{scaled} min_val: 1 max_val: 9", "")
    (warning,) = found(EXPR, "1.0 / (age - 1)")
    assert (warning.severity, "age = 1" in warning.found) == ("warning", True)


def test_what_a_whole_batch_makes_is_counted() -> None:
    code = "tf.reduce_sum(age[:, None] * age, axis=1)"
    assert not found(EXPR, code)
    large = replaced(city(EXPR.replace("CODE", code)), "  batch_size: 8\n", "  batch_size: 20000\n")
    (error,) = [problem for problem in problems(large) if "expression" in problem.path]
    assert (error.severity, bool(error.place.line)) == ("error", True)
    assert "'age[:, None] * age' at column 15" in error.found
