"""The weights of a model without its optimiser, as evaluation and export use them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf

from easyrec_lite.models.base import Model
from easyrec_lite.training.checkpoint_reading import read_variables
from easyrec_lite.training.checkpoints import Checkpoints


def load_weights(prefix: str, model: Model, averaged: bool) -> None:
    """Loads the variables of `model` from a checkpoint.

    Args:
      prefix: of the checkpoint.
      model: the model to load into.
      averaged: whether to load the moving averages of its trainable variables.

    Raises:
      ConfigError: the checkpoint is of another model, or its weights mean something else.
      RunError: it cannot be read.
    """
    variables = model.variables_by_name()
    Checkpoints(Path(prefix).parent, variables, pipeline=model.pipeline).restore(prefix)
    if averaged:
        names = [f"{name}/average" for name in model.trainable]
        for name, value in zip(
            model.trainable, read_variables(prefix, names).values(), strict=True
        ):
            model.trainable[name].assign(value)


@contextmanager
def averaged_weights(
    trainable: Mapping[str, tf.Variable], averages: Mapping[str, tf.Variable]
) -> Iterator[None]:
    """Within the block each trainable variable holds its moving average, if it has one."""
    current = {name: tf.identity(trainable[name]) for name in averages}
    for name, average in averages.items():
        trainable[name].assign(average)
    try:
        yield
    finally:
        for name, value in current.items():
            trainable[name].assign(value)
