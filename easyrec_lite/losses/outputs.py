"""What a model computes for a batch, as losses and metrics see it."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from easyrec_lite.losses.softmax.corrections import Corrections


class Outputs(NamedTuple):
    """What a model computes for a batch.

    Attributes:
      predictions: name → tensor, under EasyRec's output names.
      penalties: name → scalar regularisation term; filled in training only.
      corrections: of the logits that the loss sees; none out of training.
    """

    predictions: dict[str, tf.Tensor]
    penalties: dict[str, tf.Tensor]
    corrections: Corrections = Corrections()
