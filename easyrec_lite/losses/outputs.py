"""What a model computes for a batch, as losses and metrics see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

from easyrec_lite.losses.softmax.corrections import Corrections


class Outputs(NamedTuple):
    """What a model computes for a batch.

    Attributes:
      predictions: name → tensor, under EasyRec's output names.
      penalties: name → scalar regularisation term; filled in training only.
      corrections: of the logits that the loss sees; none out of training.
      losses: name → scalar loss that the model's towers give beside their vectors, if any.
    """

    predictions: dict[str, tf.Tensor]
    penalties: dict[str, tf.Tensor]
    corrections: Corrections = Corrections()
    losses: Mapping[str, tf.Tensor] | None = None
