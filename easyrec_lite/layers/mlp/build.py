"""Builds the layers that a `DNN` message describes."""

from __future__ import annotations

from collections.abc import Sequence

from easyrec_lite.layers.mlp.layer import DNN
from easyrec_lite.protos import messages


def build_dnn(
    message: messages.DNN,
    name: str,
    seed: int,
    width: int,
    plain_end: bool = True,
    rank: int = 2,
    units: Sequence[int] = (),
) -> DNN:
    """Returns the built layers of a `DNN` message, for inputs [..., width].

    Args:
      message: the message.
      name: name of the layer.
      seed: the run's seed.
      width: of the inputs.
      plain_end: whether the last layer has neither batch norm nor activation.
      rank: of the inputs: 2 for [R, width], 3 for [R, L, width].
      units: the widths of the layers; () for the message's `hidden_units`.
    """
    dnn = DNN(
        list(units or message.hidden_units),
        activation=message.activation,
        use_bn=message.use_bn,
        dropout_ratio=list(message.dropout_ratio),
        seed=seed,
        name=name,
        plain_end=plain_end,
    )
    dnn.build((*[None] * (rank - 1), width))
    return dnn
