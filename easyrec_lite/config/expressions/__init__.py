"""Code inside a config: expressions, lambdas, slices and function names, without `eval`.

A text is parsed and checked against a whitelist when the config is read (no TensorFlow needed);
what comes of it is a function made of closures, one for each node of the syntax tree.

    >>> compile_expression("(age + 2) / 10.0", ["age"])(30)
    3.2
    >>> compile_function("lambda x: [x, len(x)]")([7, 8])
    [[7, 8], 2]
    >>> compile_function("tf.nn.relu")
    FunctionName('tf.nn.relu')
    >>> compile_slice("[0:2]")([1, 2, 3])
    [1, 2]

Each of these takes also the place of the text and the config path of its field, for messages, and
raises a ConfigError for what is not allowed, which shows its column inside the text.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from easyrec_lite.config import functions
from easyrec_lite.config.expressions.budget import TOO_LARGE
from easyrec_lite.config.expressions.compiler import Compiler, Evaluation, Library, NotComputable
from easyrec_lite.config.expressions.rows import refuse_no_number
from easyrec_lite.config.expressions.text import NOWHERE, Code, dotted, normal, parse
from easyrec_lite.core.errors import ConfigError, Place

__all__ = [
    "TOO_LARGE",
    "Expression",
    "FunctionName",
    "Library",
    "NotComputable",
    "compile_expression",
    "compile_function",
    "compile_slice",
]
_SLICED = "value"


class Expression:
    """A checked piece of code; call it with its arguments, by position or by name.

    Attributes:
      text: the code as it stands in the config.
      arguments: names of its arguments, in order.

    Raises:
      ConfigError: the code holds something that is not allowed.
    """

    def __init__(self, code: Code, body: ast.expr, arguments: Sequence[str]):
        self.text = code.text[code.shift :]
        self.arguments = tuple(arguments)
        self._names = tuple(map(normal, arguments))
        self._code = code
        self._body = body
        self._read = {node.id for node in ast.walk(body) if isinstance(node, ast.Name)}
        self._compute = Compiler(code, self._names)(body)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def used(self) -> tuple[str, ...]:
        """Returns the arguments that the code reads, in the order of `arguments`."""
        pairs = zip(self.arguments, self._names, strict=True)
        return tuple(argument for argument, name in pairs if name in self._read)

    def require_number(self, *, broadcast: bool) -> None:
        """Refuses code that gives no number for each row when its arguments are columns.

        Args:
          broadcast: whether one number may stand for all rows.

        Raises:
          ConfigError: this can be seen without computing it.
        """
        refuse_no_number(self._code, self._body, self._names, broadcast=broadcast)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Returns the value of the code for these arguments.

        Raises:
          ConfigError: the arguments are too many or too few, or computing failed; the cause is
            chained.
        """
        values = dict(zip(self._names, args, strict=False))
        values.update({normal(name): value for name, value in kwargs.items()})
        if len(args) + len(kwargs) != len(self._names) or set(values) != set(self._names):
            given = f"{len(args)} by position and {sorted(kwargs)} by name"
            message = f"takes the arguments {list(self.arguments)}, was given {given}"
            raise self._code.failure(message)
        return self._computed(Evaluation(values))

    def evaluate(self, args: Sequence[Any], library: Library) -> Any:
        """Returns the same as a call with `args`; functions are those of `library`."""
        return self._computed(Evaluation(dict(zip(self._names, args, strict=True)), library))

    def _computed(self, run: Evaluation) -> Any:
        with _reporting(self._code):
            return functions.as_python(self._compute)(run)


class FunctionName:
    """A TensorFlow function of the list, or a registered one; looked up when called."""

    def __init__(self, code: Code):
        self.text = code.text
        self._code = code

    def __repr__(self) -> str:
        return f"FunctionName({self.text!r})"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function.

        Raises:
          ConfigError: it raised something; the cause is chained.
        """
        with _reporting(self._code):
            return functions.as_python(self._call)(args, kwargs, Library())

    def evaluate(self, args: Sequence[Any], library: Library) -> Any:
        """Returns the same as a call with `args`, by the function of `library`."""
        with _reporting(self._code):
            return self._call(args, {}, library)

    def _call(self, args: Sequence[Any], kwargs: Mapping[str, Any], library: Library) -> Any:
        names = {str(place): value for place, value in enumerate(args)} | dict(kwargs)
        message = str(self._code.failure(TOO_LARGE))
        return Evaluation(names, library).call(self.text, args, kwargs, message)


@contextmanager
def _reporting(code: Code) -> Iterator[None]:
    try:
        yield
    except (ConfigError, NotComputable):
        raise
    except Exception as error:
        raise code.failure(str(error).strip() or type(error).__name__) from error


def compile_expression(
    text: str, arguments: Sequence[str], place: Place = NOWHERE, path: str = ""
) -> Expression:
    """Returns `text`, e.g. `tf.math.log1p(user_age) / 10.0`, as a function of `arguments`."""
    code = Code(text.strip(), place, path)
    return Expression(code, parse(code), arguments)


def compile_function(
    text: str, place: Place = NOWHERE, path: str = ""
) -> Expression | FunctionName:
    """Returns the function that `text` is: `lambda x: …`, `tf.nn.relu`, or a registered name."""
    code = Code(text.strip(), place, path)
    if functions.is_function(code.text):
        return FunctionName(code)
    tree = parse(code)
    if isinstance(tree, ast.Lambda):
        given = tree.args
        if given.vararg or given.kwarg or given.kwonlyargs or given.defaults:
            raise code.fault("only plain arguments are allowed", tree)
        return Expression(code, tree.body, [each.arg for each in (*given.posonlyargs, *given.args)])
    if name := dotted(tree):
        raise code.unknown_function(name, tree)
    raise code.fault("expected a lambda", tree, "write lambda x: …")


def compile_slice(
    text: str, place: Place = NOWHERE, path: str = "", arguments: Sequence[str] = ()
) -> Expression:
    """Returns the function that takes a part of its first argument: `[1]`, `[0:2]`, `[:, -1]`.

    The index may read `arguments`, which follow the first.
    """
    code = Code(_SLICED + text.strip(), place, path, shift=len(_SLICED))
    body = node = parse(code)
    while isinstance(node, ast.Subscript):
        Compiler(code, arguments)(node.slice)
        node = node.value
    if node is body or dotted(node) != _SLICED:
        raise code.error("expected an index such as [1] or [0:2]", text, 1)
    return Expression(code, body, [_SLICED, *arguments])
