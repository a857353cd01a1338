"""Fields as layers are given them: a list of [B, D] tensors, or one [B, F, D] tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from easyrec_lite.core.errors import ConfigError, Problem

Shape = tuple[int | None, ...]


def is_list(shape: Any) -> bool:
    """Returns whether a Keras `input_shape` is that of a list of inputs."""
    return bool(shape) and isinstance(shape[0], list | tuple)


def refuse(layer: str, expected: str, found: Any) -> ConfigError:
    """Returns the error that `layer` was given inputs of the wrong shape."""
    return ConfigError(
        Problem(f"{layer}: the inputs do not fit the layer", expected=expected, found=str(found))
    )


def field_widths(layer: str, input_shape: Any) -> list[int]:
    """Returns D of each field for the shape of a list of [B, D_f], or of [B, F, D].

    Raises:
      ConfigError: it is neither, or F or D is unknown.
    """
    shapes = list(input_shape) if is_list(input_shape) else [input_shape]
    rank = 2 if is_list(input_shape) else 3
    if any(len(shape) != rank or None in shape[1:] for shape in shapes):
        raise refuse(layer, "a list of [B, D], or one [B, F, D], of known F and D", input_shape)
    if rank == 2:
        return [int(shape[1]) for shape in shapes]
    return [int(input_shape[2])] * int(input_shape[1])


def equal_width(layer: str, input_shape: Any) -> tuple[int, int]:
    """Returns F and D; as `field_widths`, and refuses fields of different D."""
    widths = field_widths(layer, input_shape)
    if len(set(widths)) != 1:
        raise refuse(layer, "fields of one embedding_dim", f"dims {widths}")
    return len(widths), widths[0]


def stacked(inputs: tf.Tensor | Sequence[tf.Tensor]) -> tf.Tensor:
    """Returns [B, F, D] for a list of F tensors [B, D]; a tensor as it is."""
    return tf.stack(inputs, axis=1) if isinstance(inputs, list | tuple) else inputs


def listed(inputs: tf.Tensor | Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns a list of F tensors [B, D] for [B, F, D]; a list as it is."""
    return list(inputs) if isinstance(inputs, list | tuple) else tf.unstack(inputs, axis=1)
