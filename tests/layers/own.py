"""The layers of this package, without those of Keras and of plug-ins."""

from __future__ import annotations

from easyrec_lite.checks.specs.layer import LAYERS, LayerSpec

KERAS = LAYERS.spec("Dense").names


def specs() -> list[LayerSpec]:
    """Returns the specs of the package's own layers, in the order of their names."""
    return [
        spec
        for spec in LAYERS.specs()
        if spec.implementation.startswith("easyrec_lite.layers.") and spec.name not in KERAS
    ]


def names() -> list[str]:
    """Returns their names, all of them, sorted."""
    return sorted(name for spec in specs() for name in spec.names)
