"""What a layer declares of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple, TypeVar

from easyrec_lite.checks.specs.base import Spec, register
from easyrec_lite.config.pipeline import Pipeline
from easyrec_lite.core.errors import Problem, nearest
from easyrec_lite.core.registry import ComponentRegistry

T = TypeVar("T")


class SequenceInput(NamedTuple):
    """The sequence and the target that a layer of a backbone reads: the inputs of a feature group.

    Attributes:
      group: the feature group.
      width: of the group's sequences, joined.
      target_width: of its other features, joined; 0: the layer reads none.
      longest: how many steps a row may have at most; infinity: no limit.
      tokens: how many ids there are, if the layer reads ids instead of vectors; 0: vectors.
      vocabularies: the vocabulary of each feature with such ids; "" for hashes or numbers.
    """

    group: str
    width: int
    target_width: int
    longest: float
    tokens: int = 0
    vocabularies: tuple[str, ...] = ()


class LayerSpec(Spec):
    """A layer that `keras_layer { class_name }` names.

    Its rules read the layer's arguments, which come from the layer's own message or from
    `st_params`: parameter → number, string, boolean, a list of them, or a dict for a message.

    Example:
      >>> class ScaledSpec(LayerSpec):
      ...     name = "Scaled"
      ...     needs = ("factor",)
      >>> [problem.expected for problem in ScaledSpec().check({})]
      ['factor']

    Attributes:
      needs: parameters that must be given.
      positive: numbers, or lists of numbers, that are 1 or more.
      shares: numbers, or lists of numbers, in [0, 1).
      choices: parameter → the names that it may hold, in lower case.
      parts: parameter → the spec of the layer that is made of the dict, or of each dict of the
        list, that it holds.
      masked: the names of those layers whose result for a sequence follows its mask.
      gives_loss: whether its result is a loss, which a backbone adds to those of the model.
      takes_more: whether the class may take arguments that its signature does not name.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    positive: ClassVar[tuple[str, ...]] = ()
    shares: ClassVar[tuple[str, ...]] = ()
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    parts: ClassVar[Mapping[str, type[LayerSpec]]] = {}
    masked: ClassVar[tuple[str, ...]] = ()
    gives_loss: ClassVar[bool] = False
    takes_more: ClassVar[bool] = True

    def takes(self, params: str) -> bool:
        """Returns whether the parameters may stand in `params`, a field of `KerasLayer`."""
        return params in ("st_params", self.message)

    def seed(self, seed: int, name: str) -> int:
        """Returns the seed of a layer called `name` in a run of `seed`.

        The layers of this package derive seeds of their weights from it by their names.
        """
        return seed

    def rules(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """Yields what else is wrong with the arguments; `path` of a problem is the parameter."""
        yield from ()

    def loss_name(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Returns what the loss of a layer called `name` is called, if it gives one."""
        return name

    def reads(self, arguments: Mapping[str, Any], read: SequenceInput) -> Iterator[Problem]:
        """Yields what is wrong with the sequence that the layer reads; `path` as of `rules`."""
        yield from ()

    def check(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        """Yields what is wrong with the arguments.

        Args:
          arguments: parameter → value; without those that were not given and have no default.

        Returns:
          Problems without places, the `path` of each being the parameter.
        """
        missing = [name for name in self.needs if arguments.get(name) in (None, "", [])]
        if missing:
            yield Problem(
                f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing",
                expected=", ".join(self.needs),
                remedy=f"set {' and '.join(missing)}",
            )
            return
        yield from self._values(arguments)
        yield from self.rules(arguments)
        for parameter, part in self.parts.items():
            given = arguments.get(parameter)
            if isinstance(given, list):
                for index, each in enumerate(given):
                    yield from _inner(f"{parameter}[{index}]", part(), each)
            elif given is not None:
                yield from _inner(parameter, part(), given)

    def check_at(
        self, arguments: Mapping[str, Any], pipeline: Pipeline, path: str
    ) -> Iterator[Problem]:
        """Yields what `check` does, with config paths below `path` and their places."""
        for problem in self.check(arguments):
            inner = f"{path}.{problem.path}" if problem.path else path
            yield replace(problem, path=inner, place=pipeline.place(inner))

    def _values(self, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        for name in self.positive:
            if any(number < 1 for number in _numbers(arguments.get(name))):
                yield wrong(name, "1 or more", arguments[name])
        for name in self.shares:
            if not all(0 <= number < 1 for number in _numbers(arguments.get(name))):
                yield wrong(name, "at least 0, less than 1", arguments[name])
        for name, known in self.choices.items():
            given = str(arguments.get(name, known[0]))
            if given.lower() not in known:
                yield wrong(name, "one of " + ", ".join(known), given, nearest(given, known))


def wrong(parameter: str, expected: str, found: Any, near: str = "") -> Problem:
    """Returns the problem that a parameter holds a value that it cannot hold."""
    return Problem(
        f"{parameter} has a wrong value",
        path=parameter,
        expected=expected,
        found=str(found),
        nearest=near,
    )


def _numbers(value: Any) -> Sequence[float]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _inner(path: str, part: LayerSpec, arguments: Any) -> Iterator[Problem]:
    if not isinstance(arguments, Mapping):
        yield wrong(path, f"the parameters of a layer {part.name}", arguments)
        return
    for problem in part.check(arguments):
        inner = f"{path}.{problem.path}" if problem.path else path
        yield replace(problem, message=f"{path}: {problem.message}", path=inner)


LAYERS: ComponentRegistry[LayerSpec] = ComponentRegistry(
    "keras_layer class_name", "easyrec_lite.layers"
)


class _PlugInSpec(LayerSpec):
    """A user's layer without a spec of its own: whatever its class takes may be given."""

    def takes(self, params: str) -> bool:
        return True


def register_layer(declared: str | type[LayerSpec], **attributes: Any) -> Callable[[T], T]:
    """Returns a decorator that offers a class of Keras layers to configs.

    The class is made with the parameters that the config gives as keyword arguments, with `name`
    and, if it takes one, `seed`. It makes its weights in `build`, under names that differ within
    the layer. A property `kernels` names the weights that l2 regularisation acts on; without it
    these are the trainable weights called a kernel.

    Args:
      declared: the `class_name` in configs; or the layer's spec, whose rules check each config.
      **attributes: attributes of the spec that is made of a name, such as `needs`.

    Raises:
      ValueError: another layer has the name.

    Example:
      >>> import keras
      >>> @register_layer("Scaled", needs=("factor",))
      ... class Scaled(keras.layers.Layer):
      ...     def __init__(self, factor, name=None):
      ...         super().__init__(name=name)
      ...         self.factor = factor
      ...
      ...     def call(self, inputs):
      ...         return self.factor * inputs
    """
    return register(LAYERS, _PlugInSpec, declared, attributes)
