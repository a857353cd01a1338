"""Builds the layer that a `keras_layer { class_name <params> }` message describes."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping

import keras

from easyrec_lite.checks.layers import arguments
from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.config.pipeline import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem, nearest
from easyrec_lite.protos.messages import KerasLayer


def build_layer(
    message: KerasLayer, name: str, pipeline: Pipeline, path: str = "", seed: int = 0
) -> keras.layers.Layer:
    """Returns a new layer called `name`.

    Args:
      message: the `KerasLayer` message; `check_layer` must have accepted it.
      name: the layer's name, without '/'.
      pipeline: the config, for places.
      path: config path of the message.
      seed: the run's seed.

    Raises:
      ConfigError: arguments that the class does not take.
    """
    class_name, given = message.class_name, arguments(message)
    spec, layer = LAYERS.spec(class_name), LAYERS.get(class_name)
    known = inspect.signature(layer.__init__ if inspect.isclass(layer) else layer).parameters
    if "seed" in known:
        given.setdefault("seed", spec.seed(seed, name))
    try:
        _check_names(given, known, spec.takes_more)
        return layer(**given, name=name)
    except (TypeError, ValueError) as error:
        reason = error.problems[0].message if isinstance(error, ConfigError) else str(error)
        raise _refusal(error, f"{class_name} {name!r}: {reason}", pipeline, path) from error


def _check_names(
    given: Iterable[str], known: Mapping[str, inspect.Parameter], takes_more: bool
) -> None:
    """Raises an error for an argument that the signature does not name, unless it takes any."""
    if takes_more and any(one.kind is inspect.Parameter.VAR_KEYWORD for one in known.values()):
        return
    for argument in given:
        if argument not in known:
            names = sorted(set(known) - {"self", "name", "kwargs"})
            raise ConfigError(
                Problem(
                    message=f"unknown parameter {argument!r}",
                    expected="one of " + ", ".join(names),
                    found=repr(argument),
                    nearest=nearest(argument, names),
                )
            )


def _refusal(error: Exception, message: str, pipeline: Pipeline, path: str) -> ConfigError:
    parts = {}
    if isinstance(error, ConfigError):
        first = error.problems[0]
        parts = {key: getattr(first, key) for key in ("expected", "found", "nearest", "remedy")}
    return ConfigError(Problem(message, place=pipeline.place(path), path=path, **parts))


def kernels(layer: keras.layers.Layer) -> list[keras.Variable]:
    """Returns the weights of a built layer that l2 regularisation acts on.

    These are the layer's `kernels`, or without that property its trainable weights named kernel.
    """
    own = getattr(layer, "kernels", None)
    if own is not None:
        return list(own)
    return [weight for weight in layer.trainable_weights if weight.name.endswith("kernel")]
