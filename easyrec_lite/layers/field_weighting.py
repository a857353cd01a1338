"""Layers that weight fields, and access to their factors for reports."""

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
        """Calls `watcher` with the fields and their factors at each call within the block.

        Both are float32 [B, Σ D_f].
        """


def field_weighting(layer: keras.layers.Layer) -> FieldWeighting | None:
    """Returns the layer's property `field_weighting`: itself or a part of it; None without one."""
    return getattr(layer, "field_weighting", None)
