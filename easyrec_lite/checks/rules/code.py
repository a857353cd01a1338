"""Rules about code inside a config: expressions, functions, activations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from google.protobuf.message import Message

from easyrec_lite.checks.names import expand_name
from easyrec_lite.checks.view import View
from easyrec_lite.config.expressions import compile_expression, compile_function
from easyrec_lite.core.errors import ConfigError, Place, Problem, nearest
from easyrec_lite.protos import PACKAGE

Problems = Iterator[Problem]
ACTIVATIONS = (
    "dice",
    "elu",
    "exp",
    "gelu",
    "identity",
    "leaky_relu",
    "linear",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
)
ACTIVATION_FIELDS = ("activation", "final_activation", "linear_activation")
PATHS = ("tf.nn.", "tf.math.", "tf.keras.activations.", "tf.", "keras.activations.", "nn.")
COMPILERS: dict[str, Callable[[str, Place, str], Any]] = {
    "FeatureConfig.normalizer_fn": compile_function,
}


class Text(NamedTuple):
    """A string of the config: its path, its field such as `Lambda.expression`, and itself."""

    path: str
    field: str
    value: str


def texts(message: Message, prefix: str = "") -> Iterator[Text]:
    """Yields all single strings that are set in or below a message."""
    owner = message.DESCRIPTOR.full_name.removeprefix(f"{PACKAGE}.")
    for field, value in message.ListFields():
        path = prefix + field.name
        if isinstance(value, str):
            yield Text(path, f"{owner}.{field.name}", value)
        elif field.message_type and field.message_type.full_name.startswith(PACKAGE):
            repeated = isinstance(field.default_value, list)
            items = list(value) if repeated else [value]
            for index, item in enumerate(items):
                yield from texts(item, f"{path}[{index}]." if repeated else f"{path}.")


def functions(view: View) -> Problems:
    """Functions, lambdas and slices are made of what may be called."""
    for text in texts(view.config):
        compiler = COMPILERS.get(text.field)
        if compiler is not None:
            yield from _compiled(compiler, text.value, view.place(text.path), text.path)


def expressions(view: View) -> Problems:
    """The expression of an ExprFeature reads its inputs."""
    for feature in view.features:
        if feature.kind != "ExprFeature" or not feature.config.expression:
            continue
        path = f"{feature.path}.expression"
        inputs = [name for given in feature.inputs for name in expand_name(given)]

        def compiler(text: str, place: Place, path: str, inputs: list[str] = inputs) -> Any:
            return compile_expression(text, inputs, place, path)

        yield from _compiled(compiler, feature.config.expression, view.place(path), path)


def _compiled(
    compiler: Callable[[str, Place, str], Any], text: str, place: Place, path: str
) -> Problems:
    try:
        compiler(text, place, path)
    except ConfigError as error:
        yield from error.problems


def activations(view: View) -> Problems:
    """Activations are known by name."""
    for text in texts(view.config):
        if text.field.rpartition(".")[2] not in ACTIVATION_FIELDS:
            continue
        short = _short_name(text.value)
        if short and short not in ACTIVATIONS:
            yield view.unknown(
                text.path,
                "activation",
                text.value,
                ACTIVATIONS,
                nearest=nearest(short, ACTIVATIONS),
                remedy="use one of them",
            )


def _short_name(name: str) -> str:
    for path in PATHS:
        if name.startswith(path):
            return name[len(path) :].lower()
    return name.lower()


RULES = (functions, expressions, activations)
