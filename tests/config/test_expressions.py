from __future__ import annotations

import contextlib
import subprocess
import sys
import warnings
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from easyrec_lite.config import functions
from easyrec_lite.config.expressions import (
    compile_expression,
    compile_function,
    compile_slice,
)
from easyrec_lite.core.errors import ConfigError, Place

ESCAPES = [
    "x.__class__",
    "().__class__.__bases__[0].__subclasses__()",
    "x.__class__.__mro__[1]",
    "(lambda: 0).__globals__",
    "tf.__builtins__",
    "tf.math.__class__",
    "tf.io.read_file('a')",
    "tf.io.gfile.remove('a')",
    "tf.py_function(x, [], [])",
    "tf.numpy_function(x, [], [])",
    "tf.compat.v1.py_func(x, [], [])",
    "tf.raw_ops.ReadFile(filename='a')",
    "tf.random.normal([3])",
    "tf.Variable(1)",
    "tf",
    "tf.math",
    "tf.math.log",
    "__import__('os').system('true')",
    "eval('1')",
    "exec('1')",
    "compile('1', '', 'eval')",
    "open('a')",
    "getattr(x, 'y')",
    "globals()",
    "print(x)",
    "type(x)",
    "len.__self__",
    "len.__self__.eval('1')",
    "'{0.__class__}'.format(x)",
    "'%s' .__mod__(x)",
    "f'{x}'",
    "f'{x.__class__}'",
    "[y.__class__ for y in x]",
    "[__import__ for y in x]",
    "[y for x.y in x]",
    "[y for y[0] in x]",
    "[y async for y in x]",
    "{y for y in x}",
    "{y: 1 for y in x}",
    "(y for y in x)",
    "{1: 2}",
    "{1}",
    "(y := x)",
    "lambda: x",
    "x(1)",
    "x[0](1)",
    "(len)(x)()",
    "len(*x)",
    "len(**x)",
    "[*x]",
    "tf.concat(__x__=1)",
    "yield x",
    "await x",
    "x is None",
    "x in x",
    "x << 60",
    "x >> 1",
    "x ^ 1",
    "b'bytes'",
    "1j",
    "9" * 30,
    "x; x",
    "x = 1",
    "import os",
    "x\nx",
    "y",
    "x\0",
    "",
    " ",
    "#",
    "(" * 500,
    "-" * 1000 + "x",
    "[" * 60 + "]" * 60,
    "x" + "+x" * 300,
    "x+" * 5000 + "x",
    "not " * 200 + "x",
]

EXHAUSTING = [
    "10 ** 10 ** 10",
    "10 ** 65",
    "2 ** 64",
    "(2 ** 60) * (2 ** 60)",
    "[0] * 10000000",
    "10000000 * [0]",
    "([0] * 1000) * 1000",
    "([0] * 900) + ([0] * 900)",
    "range(10 ** 12)",
    "range(2 ** 62, -(2 ** 62), -1)",
    "len(range(10 ** 9))",
    "[i for i in range(1001)]",
    "[i + j + k for i in range(1000) for j in range(1000) for k in range(1000)]",
    "[[[k for k in range(999)] for j in range(999)] for i in range(999)]",
    "'a' * 1000000000",
    "'a' + 'b'",
    "'%1000000000d' % 1",
    "1 % 'a'",
    "(-8) ** 0.5",
    "1 / 0",
    "0 ** -1",
    "1e300 ** 60",
    "[1][5]",
    "'abc' * [1]",
    "[v for v in 'abc']",
    "[a for a, b in [[1, 2, 3]]]",
    "[a for a, b in [1]]",
    "tf.tile([1.0], [100000000])",
    "tf.tile(tf.tile([1.0], [100000]), [100000])",
    "tf.tile([1.0], [tf.cast(100000000, tf.int32)])",
    "tf.one_hot([1], 2 ** 40)",
    "tf.pad([1.0], [[0, 2 ** 40]])",
    "tf.repeat([1.0], repeats=2 ** 40)",
    "tf.range(2 ** 40)",
    "tf.constant(1, shape=[2 ** 40])",
    "tf.strings.as_string(1.5, width=2 ** 30)",
    "tf.strings.as_string(1.5, 2 ** 30)",
]


@pytest.mark.parametrize("text", ESCAPES, ids=lambda text: repr(text[:40]))
def test_refuses_at_compile_time(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_expression(text, ["x"], Place("a.config", 3, 5), "block.lambda")
    (problem,) = caught.value.problems
    assert problem.place == Place("a.config", 3, 5)
    assert problem.path == "block.lambda"
    assert problem.found


@pytest.mark.parametrize("text", EXHAUSTING)
def test_refuses_what_would_take_all_memory_or_time(text: str) -> None:
    expression = compile_expression(text, [])
    with pytest.raises(ConfigError, match="cannot compute"):
        expression()


@pytest.mark.parametrize(
    ("text", "column", "token"),
    [
        ("x + y.z", 5, "y.z"),
        ("x * open('f')", 5, "open"),
        ("用户 + x.real", 6, "x.real"),
        ("x + yy", 5, "yy"),
    ],
)
def test_shows_the_token_and_its_column_in_characters(text: str, column: int, token: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_expression(text, ["x", "y", "用户"])
    assert caught.value.problems[0].found.startswith(f"{token!r} at column {column} of ")


def test_column_counts_from_the_users_text_in_slices() -> None:
    with pytest.raises(ConfigError, match="'x' at column 4 of '\\[0:x\\]'"):
        compile_slice("[0:x]")


def test_names_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"nearest:  tf\.math\.log1p"):
        compile_expression("tf.math.lg1p(age)", ["age"])
    with pytest.raises(ConfigError, match="did you mean 'user_age'"):
        compile_expression("user_ag + 1", ["user_age", "price"])


def test_checking_needs_no_tensorflow() -> None:
    code = (
        "import sys\n"
        "from easyrec_lite.config.expressions import *\n"
        "compile_expression('tf.math.log1p(x) & (x > 1)', ['x'])\n"
        "compile_function('lambda x: tf.concat(x, axis=1)'); compile_function('tf.nn.relu')\n"
        "assert compile_slice('[0:2]')([1, 2, 3]) == [1, 2]\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", [*functions.TF_FUNCTIONS, *functions.TF_CONSTANTS])
def test_every_listed_name_is_tensorflows(name: str) -> None:
    if name in functions.TF_CONSTANTS:
        functions.constant(name)
    else:
        assert callable(functions.resolve(name))


def test_elementwise_operators_against_numpy() -> None:
    import tensorflow as tf

    a = np.array([0.0, 1.0, 2.0, 5.0])
    b = np.array([1.0, 0.0, 2.0, 3.0])
    cases = {
        "(a > b) & (b > 0)": (a > b) & (b > 0),
        "(a >= b) | (b == 3)": (a >= b) | (b == 3),
        "a & b": (a != 0) & (b != 0),
        "a | 0": a != 0,
        "~(a < b)": ~(a < b),
        "~a": a == 0,
        "0 < a <= 2": (a > 0) & (a <= 2),
        "a != b": a != b,
        "tf.math.log1p(a) / 10.0": np.log1p(a) / 10,
        "a * b - a / (b + 1) ** 2": a * b - a / (b + 1) ** 2,
        "tf.where(a > b, a, b)": np.maximum(a, b),
        "tf.cast(a > b, tf.float32)": (a > b).astype(np.float32),
    }
    for text, expected in cases.items():
        found = compile_expression(text, ["a", "b"])(tf.constant(a), tf.constant(b))
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, err_msg=text)


def test_works_inside_a_tf_function() -> None:
    import tensorflow as tf

    expression = compile_expression("tf.concat([v * 2 for v in x], axis=1) & True", ["x"])
    parts = [tf.ones([2, 1]), tf.zeros([2, 2])]
    graph = tf.function(lambda x: expression(x))
    np.testing.assert_array_equal(graph(parts).numpy(), [[True, False, False]] * 2)


def test_tensor_is_no_truth_value() -> None:
    import tensorflow as tf

    for text in ("x and x", "not x", "1 if x else 2", "[v for v in [1] if x]", "[v for v in x]"):
        with pytest.raises(ConfigError, match=r"tf\.where|tf\.unstack"):
            compile_expression(text, ["x"])(tf.constant([1.0]))


def test_and_or_next_to_comparison_needs_parentheses() -> None:
    with pytest.raises(ConfigError, match="parentheses"):
        compile_expression("a > 1 & b < 2", ["a", "b"])


def test_lambdas() -> None:
    assert compile_function("lambda x: [x, x]")(3) == [3, 3]
    assert compile_function("lambda x, y: x[0] if len(y) > 1 else x[1]")([7, 8], [1]) == 8
    assert compile_function("lambda: 4")() == 4
    zipped = compile_function("lambda x: [a * b + i for i, (a, b) in zip(range(2), zip(x, x[1:]))]")
    assert zipped([2, 3, 4]) == [6, 13]
    for text in ("lambda *x: x", "lambda x=1: x", "lambda **k: k", "lambda *, x: x", "x"):
        with pytest.raises(ConfigError):
            compile_function(text)


def test_wrong_arguments_are_told() -> None:
    function = compile_function("lambda x, y: x")
    for args, kwargs in ([(1,), {}], [(1, 2, 3), {}], [(1,), {"x": 1}], [(1,), {"z": 1}]):
        with pytest.raises(ConfigError, match="takes the arguments"):
            function(*args, **kwargs)
    assert function(1, y=2) == 1


def test_comprehension_variables_end_with_it() -> None:
    assert compile_expression("[x for x in y] + [x]", ["x", "y"])(5, [1, 2]) == [1, 2, 5]
    with pytest.raises(ConfigError, match="unknown name 'v'"):
        compile_expression("[v for v in y] + [v]", ["y"])


def test_used_arguments() -> None:
    assert compile_expression("a + c", ["a", "b", "c"]).used() == ("a", "c")


def test_slices() -> None:
    value = [1, 2, 3]
    assert compile_slice("[1]")(value) == 2
    assert compile_slice(" [0:2] ")(value) == [1, 2]
    assert compile_slice("[::-1][0]")(value) == 3
    assert compile_slice("[:, 1]")(np.eye(2)).tolist() == [0, 1]
    assert compile_slice("[..., -1]")(np.eye(2)).tolist() == [0, 1]
    assert compile_slice("[i + 1]", arguments=["i"])(value, 1) == 3
    for text in ("", "1", "(1)", "[1] + value", ".real", "[value]", "[open('f')]", "[0]()"):
        with pytest.raises(ConfigError):
            compile_slice(text)


def test_function_names() -> None:
    assert compile_function("tf.nn.relu")(-1.0).numpy() == 0
    assert compile_function("tf.log1p")(0.0).numpy() == 0
    for text in ("relu", "os.system", "tf.io.read_file", "numpy.log"):
        with pytest.raises(ConfigError, match="unknown function"):
            compile_function(text)


def test_registered_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions.FUNCTIONS, "_entries", {"plug.twice": lambda x: 2 * x})
    assert compile_function("plug.twice")(4) == 8
    assert compile_expression("plug.twice(x) + 1", ["x"])(4) == 9


def test_error_of_a_function_is_a_config_error_with_its_cause() -> None:
    for text, value in [("lambda x: tf.reshape(x, [7])", [1.0, 2.0]), ("tf.math.log", "text")]:
        with pytest.raises(ConfigError, match="cannot compute") as caught:
            compile_function(text)(value)
        assert caught.value.__cause__ is not None


NUMBERS = st.integers(-50, 50).map(str) | st.floats(-9, 9).map(lambda n: repr(round(n, 3)))
SAFE = st.recursive(
    NUMBERS | st.sampled_from(["x", "y"]),
    lambda inner: (
        st.tuples(
            inner, st.sampled_from(["+", "-", "*", "/", "//", "%", "<", "==", ">="]), inner
        ).map(lambda parts: f"({' '.join(parts)})")
        | st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})")
        | st.tuples(inner, inner).map(lambda p: f"[{p[0]}, {p[1]}][0]")
        | inner.map(lambda part: f"(-{part})")
    ),
    max_leaves=12,
)


@given(SAFE, st.integers(-5, 5), st.integers(-5, 5))
@settings(max_examples=150, deadline=None)
def test_same_as_python_on_safe_code(text: str, x: int, y: int) -> None:
    try:
        expected = eval(text, {}, {"x": x, "y": y})
    except ArithmeticError:
        with pytest.raises(ConfigError):
            compile_expression(text, ["x", "y"])(x, y)
    else:
        assert compile_expression(text, ["x", "y"])(x, y) == expected


class Canary:
    """Records every attribute that is read from it."""

    touched: ClassVar[list[str]] = []

    def __getattribute__(self, name: str) -> object:
        if name != "__class__":
            Canary.touched.append(name)
        raise AttributeError(name)


TOKENS = (
    "x y . ( ) [ ] { } , : + - * ** / % @ = == < & | ~ ! ' \" lambda for in if else not and or "
    "len range zip tf tf.math tf.float32 __class__ __import__ eval 9 99999 1e9 None f'{x}' "
    "\\ \n \t # 用 ; := async await yield"
)
WORDS = st.sampled_from(TOKENS.split(" "))


@given(st.lists(WORDS, max_size=30).map(" ".join) | st.lists(WORDS, max_size=12).map("".join))
@settings(max_examples=400, deadline=None)
def test_any_text_is_refused_or_harmless(text: str) -> None:
    Canary.touched.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for compiled in (compile_expression, lambda text, _: compile_function(text)):
            with contextlib.suppress(ConfigError):
                compiled(text, ["x", "y"])(Canary(), [1, 2])
    # The evaluator itself asks what it takes for a tensor for its shape, and in `x & y` its dtype.
    assert set(Canary.touched) <= {"dtype", "shape"}
