"""Makes the layer that a `keras_layer { class_name <params> }` message describes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import keras

from easyrec_lite.config.pipeline import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem, nearest
from easyrec_lite.layers.batch_norm import BatchNorm
from easyrec_lite.layers.catalog import arguments, check_layer
from easyrec_lite.layers.registry import LAYERS
from easyrec_lite.layers.seeds import derive_seed

# What is made in place of a class of `keras.layers`, with its parameters and numbers.
_IN_PLACE = {"BatchNormalization": BatchNorm}


def build_layer(
    message: Any, name: str, pipeline: Pipeline, path: str = "", seed: int = 0
) -> keras.layers.Layer:
    """Returns a new layer called `name`.

    Args:
      message: the `KerasLayer` message.
      name: the layer's name, without '/'.
      pipeline: the config, for places.
      path: config path of the message.
      seed: the run's seed; classes of `keras.layers` get one derived from it and the name.

    Raises:
      ConfigError: an unknown class, parameters of another class, or arguments that it refuses.
    """
    problems = list(check_layer(message, pipeline, path))
    if problems:
        raise ConfigError(problems)
    class_name, given = message.class_name, arguments(message)
    own = class_name in LAYERS
    made = LAYERS.get(class_name) if own else getattr(keras.layers, class_name)
    known = inspect.signature(made.__init__ if inspect.isclass(made) else made).parameters
    if "seed" in known and "seed" not in given:
        given["seed"] = seed if own else derive_seed(seed, name)
    try:
        _check_arguments(class_name, given, known)
        return _IN_PLACE.get(class_name, made)(**given, name=name)
    except (TypeError, ValueError) as error:
        reason = error.problems[0].message if isinstance(error, ConfigError) else str(error)
        raise _refusal(error, f"{class_name} {name!r}: {reason}", pipeline, path) from error


def _check_arguments(
    class_name: str, given: Mapping[str, Any], known: Mapping[str, inspect.Parameter]
) -> None:
    takes_any = not hasattr(keras.layers, class_name) and any(
        parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in known.values()
    )
    for argument in given:
        if argument not in known and not takes_any:
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

    Those that the layer names in its own `kernels`, else every trainable weight called a kernel.
    """
    own = getattr(layer, "kernels", None)
    if own is not None:
        return list(own)
    return [weight for weight in layer.trainable_weights if weight.name.endswith("kernel")]
