"""Code inside a config: expressions, lambdas, slices and function names, without `eval`.

A text is parsed and checked against a whitelist when the config is read (no TensorFlow needed),
and computed by a small interpreter when it is called.

    expression = compile_expression("tf.math.log1p(age) / 10.0", ["age"])
    expression(age)
    compile_function("lambda x: tf.concat(x, axis=1)")([a, b])
    compile_function("tf.nn.relu")(x)
    compile_slice("[0:2]")([a, b, c])
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from easyrec_lite.config import functions
from easyrec_lite.config.expressions.evaluate import Evaluator
from easyrec_lite.config.expressions.grammar import NOWHERE, Checker, Source, dotted, normal, parse
from easyrec_lite.core.errors import ConfigError, Place

__all__ = [
    "Expression",
    "compile_expression",
    "compile_function",
    "compile_lambda",
    "compile_slice",
]


class Expression:
    """A checked piece of code; call it with its arguments, by position or by name.

    Attributes:
      text: the code as it stands in the config.
      arguments: names of its arguments, in order.
    """

    def __init__(self, source: Source, body: ast.expr, arguments: Sequence[str]):
        self.text = source.text[source.shift :]
        self.arguments = tuple(arguments)
        self._names = tuple(map(normal, arguments))
        self._source = source
        self._body = body

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def used(self) -> tuple[str, ...]:
        """Returns the arguments that the code reads, in the order of `arguments`."""
        read = {node.id for node in ast.walk(self._body) if isinstance(node, ast.Name)}
        pairs = zip(self.arguments, self._names, strict=True)
        return tuple(argument for argument, name in pairs if name in read)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Returns the value of the code for these arguments.

        Raises:
          ConfigError: the arguments are too many or too few, or computing failed; the cause is
            chained.
        """
        values = dict(zip(self._names, args, strict=False))
        values.update({normal(name): value for name, value in kwargs.items()})
        if len(args) + len(kwargs) != len(self._names) or set(values) != set(self._names):
            found = f"{len(args)} by position and {sorted(kwargs)} by name"
            message = f"takes the arguments {list(self.arguments)}, was given {found}"
            raise self._source.failure(message)
        with _reporting(self._source):
            return Evaluator(values).value(self._body)


@contextmanager
def _reporting(source: Source) -> Iterator[None]:
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:
        raise source.failure(str(error).strip() or type(error).__name__) from error


def compile_expression(
    text: str, arguments: Sequence[str], place: Place = NOWHERE, path: str = ""
) -> Expression:
    """Returns `text` as a function of `arguments`.

    Args:
      text: e.g. `tf.math.log1p(user_age) / 10.0`; `& |` are logical, elementwise.
      arguments: the names that it may read.
      place: where it stands, for messages.
      path: config path of its field, for messages.

    Raises:
      ConfigError: something that is not allowed, shown with its column inside the text.
    """
    source = Source(text.strip(), place, path)
    body = parse(source)
    Checker(source, arguments).visit(body)
    return Expression(source, body, arguments)


def compile_lambda(text: str, place: Place = NOWHERE, path: str = "") -> Expression:
    """Returns `lambda x, y: …` as a function; see `compile_expression`."""
    source = Source(text.strip(), place, path)
    tree = parse(source)
    if not isinstance(tree, ast.Lambda):
        raise source.fault("expected a lambda", tree, "write lambda x: …")
    arguments = _lambda_arguments(source, tree)
    Checker(source, arguments).visit(tree.body)
    return Expression(source, tree.body, arguments)


def _lambda_arguments(source: Source, tree: ast.Lambda) -> list[str]:
    given = tree.args
    if given.vararg or given.kwarg or given.kwonlyargs or given.defaults:
        raise source.fault("only plain arguments are allowed", tree)
    return [argument.arg for argument in (*given.posonlyargs, *given.args)]


def compile_function(
    text: str, place: Place = NOWHERE, path: str = ""
) -> Expression | FunctionName:
    """Returns the function that `text` is: a lambda, or the name of a listed or registered one.

    Args:
      text: `lambda x: x + 1`, `tf.nn.relu`, or a name in `FUNCTIONS`.
      place: where it stands, for messages.
      path: config path of its field, for messages.

    Raises:
      ConfigError: neither, or something in the lambda that is not allowed.
    """
    source = Source(text.strip(), place, path)
    if functions.is_function(source.text):
        return FunctionName(source)
    tree = parse(source)
    name = dotted(tree)
    if not name:
        return compile_lambda(text, place, path)
    raise source.unknown_function(name, tree)


class FunctionName:
    """A TensorFlow function of the list, or a registered one; looked up when called."""

    def __init__(self, source: Source):
        self.text = source.text
        self._source = source

    def __repr__(self) -> str:
        return f"FunctionName({self.text!r})"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function.

        Raises:
          ConfigError: it raised something; the cause is chained.
        """
        with _reporting(self._source):
            return functions.resolve(self.text)(*args, **kwargs)


_SLICED = "value"


def compile_slice(
    text: str, place: Place = NOWHERE, path: str = "", arguments: Sequence[str] = ()
) -> Expression:
    """Returns the function that takes a part of its first argument: `[1]`, `[0:2]`, `[:, -1]`.

    Args:
      text: the index or slice.
      place: where it stands, for messages.
      path: config path of its field, for messages.
      arguments: names of further arguments, which the index may read.

    Raises:
      ConfigError: `text` is no index or slice.
    """
    source = Source(_SLICED + text.strip(), place, path, shift=len(_SLICED))
    body = parse(source)
    node = body
    while isinstance(node, ast.Subscript):
        Checker(source, arguments).visit(node.slice)
        node = node.value
    if node is body or dotted(node) != _SLICED:
        raise source.error("expected an index such as [1] or [0:2]", text, 1)
    return Expression(source, body, [_SLICED, *arguments])
