"""Layers that weight fields by factors of their own, so that the factors can be reported."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import keras
import tensorflow as tf

Watcher = Callable[[tf.Tensor, tf.Tensor], None]


class FieldWeighting(Protocol):
    """A built layer that multiplies F fields by factors that it computes from them.

    Attributes:
      widths: D_f of each field.
    """

    widths: tuple[int, ...]

    def watched(self, watcher: Watcher) -> AbstractContextManager[None]:
        """Within the block each call hands `watcher` the fields and their factors.

        Both are float32 [B, Σ D_f].
        """


def field_weighting(layer: keras.layers.Layer) -> FieldWeighting | None:
    """Returns the layer's property `field_weighting`: itself or a part of it; None without one."""
    return getattr(layer, "field_weighting", None)
