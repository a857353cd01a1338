"""What a loss over scores of rows is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf


class Scores(NamedTuple):
    """One score a row, as pointwise, pairwise and session losses see it.

    Attributes:
      logits: float32 [B] scores before any sigmoid.
      labels: float32 [B].
      weights: float32 [B] sample weights, or None.
      sessions: [B] session ids (any dtype); None means that the batch is one session.
    """

    logits: tf.Tensor
    labels: tf.Tensor
    weights: tf.Tensor | None = None
    sessions: tf.Tensor | None = None


LossFunction = Callable[[Scores, Any], tf.Tensor]
