"""Kernel initialisers by name, each with its own seed."""

from __future__ import annotations

import keras

from easyrec_lite.checks.keras_names import INITIALIZERS
from easyrec_lite.core.errors import ConfigError, Problem, nearest
from easyrec_lite.layers.seeds import derive_seed

_UNSEEDED = ("ones", "zeros")


def initializer(name: str, seed: int, owner: str) -> keras.initializers.Initializer:
    """Returns the Keras initialiser `name`, seeded for the weight `owner` of a run of `seed`.

    Raises:
      ConfigError: there is no such initialiser.
    """
    if name not in INITIALIZERS:
        raise ConfigError(
            Problem(
                message=f"{owner}: unknown initializer {name!r}",
                expected="one of " + ", ".join(INITIALIZERS),
                found=repr(name),
                nearest=nearest(name, INITIALIZERS),
            )
        )
    config = {} if name in _UNSEEDED else {"seed": derive_seed(seed, owner)}
    return keras.initializers.get({"class_name": name, "config": config})
