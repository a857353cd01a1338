"""What expressions may make: refused before it is computed, by actual shapes or in a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from easyrec_lite.config import functions
from easyrec_lite.config.expressions import compile_expression, compile_function
from easyrec_lite.config.expressions.budget import MAX_VALUES
from easyrec_lite.config.expressions.dims import known
from easyrec_lite.config.expressions.rules import RULES, made, rule_name
from easyrec_lite.core.errors import ConfigError, Place

tf = pytest.importorskip("tensorflow")

ROWS = 20_000
# The part that makes too much → the expression.
HOSTILE = {
    "tf.tensordot(x, x, 0)": "tf.tensordot(tf.tensordot(x, x, 0), x, 0)",
    "tf.tensordot(x, x, [[], []])": "tf.tensordot(x, x, [[], []])",
    "tf.meshgrid(x, x)": "tf.meshgrid(x, x)[0]",
    "x[:, None] * x[None, :]": "tf.reduce_sum(x[:, None] * x[None, :], axis=1)",
    "x[:, None] > x": "tf.where(x[:, None] > x, 1.0, 0.0)",
    "x[:, None] @ x[None, :]": "x[:, None] @ x[None, :]",
    "tf.maximum(x[None, :], x[:, None])": "tf.maximum(x[None, :], x[:, None])",
    "tf.matmul(x[:, None], x[None, :])": "tf.matmul(x[:, None], x[None, :])",
    "tf.einsum('a,b->ab', x, x)": "tf.einsum('a,b->ab', x, x)",
    "tf.einsum('a,b,c->', x, x, x)": "tf.einsum('a,b,c->', x, x, x)",
    "tf.stack([[x] * 100] * 100)": "tf.stack([[x] * 100] * 100)",
    "tf.stack([s] * 300)": "[tf.stack([s] * 300) for s in [tf.stack([x] * 60)]]",
    "tf.concat([s] * 300, 0)": "[tf.concat([s] * 300, 0) for s in [tf.concat([x] * 60, 0)]]",
    "tf.repeat(x, 10 ** 6)": "tf.repeat(x, 10 ** 6)",
    "tf.tile(x, [10 ** 6])": "tf.tile(x, [10 ** 6])",
    "tf.one_hot(tf.cast(x, tf.int32), 10 ** 6)": "tf.one_hot(tf.cast(x, tf.int32), 10 ** 6)",
    "tf.pad(x, [[0, 2 ** 40]])": "tf.pad(x, [[0, 2 ** 40]])",
    "tf.sequence_mask(x > 0, 2 ** 40)": "tf.sequence_mask(x > 0, 2 ** 40)",
    "tf.sequence_mask(tf.cast(1e9 * x, tf.int64))": "tf.sequence_mask(tf.cast(1e9 * x, tf.int64))",
    "tf.range(x[0] * 1e9)": "tf.range(x[0] * 1e9)",
    "tf.gather(s, tf.cast(s, tf.int32))": (
        "[tf.gather(s, tf.cast(s, tf.int32)) for s in [tf.tile(x[None], [9, 1])]]"
    ),
}
# Refused in the same way, whether or not shapes are known.
ENDLESS = [
    "[tf.tile(x, [60]) for i in range(140) for j in range(140)]",
    "tf.constant([[[0] * 1000] * 1000] * 1000)",
    "x + [[[0.0] * 1000] * 1000] * 1000",
    "tf.sequence_mask([2 ** 40])",
    "[tf.strings.join([s] * 90) for s in [tf.strings.join([tf.strings.as_string(x)] * 90)]]",
    "tf.strings.regex_replace(tf.strings.regex_replace(tf.strings.as_string(x), '', "
    f"'{'a' * 200}'), '', '{'a' * 200}')",
]


@pytest.mark.parametrize("part", HOSTILE)
def test_what_grows_faster_than_the_data_is_refused_before_it_is_computed(part: str) -> None:
    expression = compile_expression(HOSTILE[part], ["x"], Place("a.config", 3, 5), "f.expression")
    with pytest.raises(ConfigError) as caught:
        expression(tf.ones([ROWS], tf.float64))
    (problem,) = caught.value.problems
    assert (problem.place, problem.path) == (Place("a.config", 3, 5), "f.expression")
    assert part in problem.found
    assert f"column {HOSTILE[part].index(part) + 1} " in problem.found


@pytest.mark.parametrize("part", HOSTILE)
def test_a_graph_refuses_it_when_it_runs(part: str) -> None:
    expression = compile_expression(HOSTILE[part], ["x"], Place("a.config", 3, 5), "f.expression")
    graph = _graph(expression)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        graph(tf.ones([ROWS], tf.float64))
    assert "a.config:3:5" in caught.value.message
    assert part in caught.value.message.replace("\\", "")


@pytest.mark.parametrize("text", ENDLESS, ids=lambda text: text[:40])
@pytest.mark.parametrize("known_shape", [True, False])
def test_what_has_no_end_is_refused(text: str, known_shape: bool) -> None:
    expression = compile_expression(text, ["x"])
    with pytest.raises(ConfigError, match="cannot compute"):
        (expression if known_shape else _graph(expression))(tf.ones([ROWS], tf.float64))


def test_a_function_by_its_name_is_counted_too() -> None:
    with pytest.raises(ConfigError, match=f"{MAX_VALUES:,}"):
        compile_function("tf.meshgrid")(tf.ones([ROWS]), tf.ones([ROWS]))


# What backbones and features do with a batch: name → the shapes of its arguments.
USUAL: dict[str, list[list[int]]] = {
    "tf.matmul(x, y, transpose_b=True)": [[64, 50, 8], [64, 50, 8]],
    "x * tf.cast(tf.sequence_mask(tf.cast(y, tf.int32), tf.shape(x)[1]), tf.float32)": [
        [64, 9],
        [64],
    ],
    "tf.tile(tf.expand_dims(x, 1), [1, tf.shape(y)[1], 1])": [[64, 8], [64, 50, 8]],
    "tf.concat([x, x * y, x - y], axis=-1)": [[64, 50, 8], [64, 50, 8]],
    "tf.reshape(x, [-1, 8]) @ y": [[64, 50, 8], [8, 4]],
    "tf.concat([tf.nn.relu(part) for part in tf.split(x, 100, axis=1)] + [y], axis=1)": [
        [64, 800],
        [64, 1],
    ],
    "tf.reduce_sum(x[:, None, :] * y, axis=-1)": [[64, 8], [64, 50, 8]],
    "tf.einsum('blh,bmh->blm', x, y)": [[64, 50, 8], [64, 50, 8]],
    "tf.gather(x, tf.range(tf.shape(y)[0]))": [[64, 8], [64]],
    "tf.stack([x, y], axis=1)": [[64, 8], [64, 8]],
}


@pytest.mark.parametrize("text", USUAL)
def test_what_models_do_is_not_refused(text: str) -> None:
    expression = compile_expression(text, ["x", "y"])
    given = [tf.ones(shape) for shape in USUAL[text]]
    specs = [tf.TensorSpec([None] * len(shape), tf.float32) for shape in USUAL[text]]
    if "split" in text or "reshape" in text:
        specs = [tf.TensorSpec([None, *shape[1:]], tf.float32) for shape in USUAL[text]]
    graph = tf.function(expression, input_signature=specs, autograph=False)
    np.testing.assert_allclose(graph(*given), expression(*given))


def test_only_what_grows_faster_has_an_assertion() -> None:
    for text, asserts in [
        ("tf.where(x > 3, tf.math.log1p(x), x / 2) + tf.one_hot(0, 1, dtype=tf.float64)", 0),
        ("tf.concat([x[:, None], 2 * x[:, None]], axis=1)", 0),
        ("x[:, None] * x", 1),
    ]:
        operations = _graph(compile_expression(text, ["x"])).get_concrete_function().graph
        kinds = [each.type for each in operations.get_operations()]
        assert kinds.count("Assert") == asserts, text


def test_every_function_has_a_rule() -> None:
    assert {rule_name(name) for name in functions.TF_FUNCTIONS} == set(RULES)


A = np.arange(12, dtype=np.float32).reshape(3, 4)
COUNTS = np.array([0, 2, 5], np.int32)
# Calls of the functions whose results are not as large as an argument.
CALLS: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("tf.tile", [A, [2, 3]], {}),
    ("tf.tile", [A], {"multiples": tf.constant([2, 3])}),
    ("tf.repeat", [A, 3], {}),
    ("tf.repeat", [A, [1, 0, 4], 0], {}),
    ("tf.one_hot", [COUNTS, 7], {}),
    ("tf.pad", [A, [[1, 2], [0, 5]]], {}),
    ("tf.range", [3, 20, 4], {}),
    ("tf.range", [tf.constant(9)], {}),
    ("tf.range", [5, -5, -1], {}),
    ("tf.sequence_mask", [COUNTS], {}),
    ("tf.sequence_mask", [COUNTS, 9], {}),
    ("tf.constant", [1.5], {"shape": [3, 5]}),
    ("tf.where", [A > 3], {}),
    ("tf.where", [A > 3, A[:, :1], A[:1]], {}),
    ("tf.gather", [A, COUNTS[:2]], {"axis": 1}),
    ("tf.gather", [A, COUNTS[:2]], {}),
    ("tf.gather", [A, np.array([[0], [1], [2]])], {"batch_dims": 1}),
    ("tf.gather_nd", [A, np.array([[0], [2]])], {}),
    ("tf.matmul", [A, A], {"transpose_b": True}),
    ("tf.tensordot", [A, A, 0], {}),
    ("tf.tensordot", [A, A.T, 1], {}),
    ("tf.tensordot", [A, A, [[1], [1]]], {}),
    ("tf.meshgrid", [COUNTS, COUNTS, [1, 2]], {"indexing": "ij"}),
    ("tf.einsum", ["ab,cb->ac", A, A], {}),
    ("tf.einsum", ["...b,b->...", A, A[0]], {}),
    ("tf.einsum", ["ab,cb", A, A], {}),
    ("tf.math.top_k", [A, 2], {}),
    ("tf.nn.moments", [A, [0]], {}),
    ("tf.linalg.diag_part", [A], {"k": (-2, 3)}),
    ("tf.stack", [[A, A]], {"axis": 1}),
    ("tf.concat", [[A, A], 1], {}),
    ("tf.maximum", [A[:, :1], A[:1]], {}),
    ("tf.clip_by_value", [A, A[:1], A[:, :1] + 9], {}),
    ("tf.strings.join", [[["a", "b"], "c"]], {}),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[0])
def test_rules_are_no_less_than_what_is_made(call: tuple[str, list[Any], dict[str, Any]]) -> None:
    name, args, kwargs = call
    results = tf.nest.flatten(functions.call(name, args, kwargs))
    size = sum(int(tf.size(result)) for result in results)
    assert size <= sum(map(known, made(name, args, kwargs))) <= 3 * size + 20


def _graph(expression: Any) -> Any:
    """Returns a graph whose batch has any number of rows."""
    spec = [tf.TensorSpec([None], tf.float64)]
    return tf.function(expression, input_signature=spec, autograph=False)
