"""Counts a model's weights when its training starts."""

from __future__ import annotations

import math
from typing import Any

from easyrec_lite.runs.estimator import Hook


class WeightCount(Hook):
    """Counts learnt numbers, once each where features share a table.

    Attributes:
      found: `table_weights` in embedding tables, `dense_weights` in layers.
    """

    def __init__(self) -> None:
        self.found: dict[str, int] = {}

    def begin(self, trainer: Any, total_steps: int | None) -> None:
        """Counts the variables that the trainer moves."""
        sizes = {True: 0, False: 0}
        for name, variable in trainer.model.trainable.items():
            sizes[name in trainer.model.tables] += math.prod(variable.shape)
        self.found = {"table_weights": sizes[True], "dense_weights": sizes[False]}
