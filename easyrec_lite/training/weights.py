"""Restoring a model without its optimiser, as evaluation and export need it."""

from __future__ import annotations

from pathlib import Path

from easyrec_lite.models.base import Model
from easyrec_lite.training.checkpoints import Checkpoints, read_variables


def load_weights(prefix: str, model: Model, averaged: bool) -> None:
    """Loads the variables of `model` from checkpoint `prefix`.

    Args:
      prefix: the checkpoint.
      model: its variables are assigned.
      averaged: whether trainable variables take their moving averages.

    Raises:
      ConfigError: the checkpoint is of another model.
      RunError: it cannot be read.
    """
    Checkpoints(Path(prefix).parent, model.variables_by_name()).restore(prefix)
    if averaged:
        names = [f"{name}/average" for name in model.trainable]
        for name, value in zip(
            model.trainable, read_variables(prefix, names).values(), strict=True
        ):
            model.trainable[name].assign(value)
