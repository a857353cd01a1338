"""What a metric is: states of batches, merged, then computed."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from easyrec_lite.features.batch import Batch
from easyrec_lite.losses.outputs import Outputs

State = dict[str, Any]


class Metric(abc.ABC):
    """A number over all rows of an evaluation, however they come in batches.

    `state` runs in the graph, for a batch; `merge` and `compute` on numpy values outside of it.
    Sums need only `state` and `compute`.

    Attributes:
      columns: raw columns that `state` reads from `batch.extra`.
      undefined: when the data leaves it undefined, as a sentence's end.
    """

    columns: tuple[str, ...] = ()
    undefined: str = "the data has no rows for it"

    @abc.abstractmethod
    def state(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        """Returns what the metric keeps of a batch."""

    @abc.abstractmethod
    def compute(self, total: State) -> dict[str, float]:
        """Returns the metric's values by name; leaves out what the data does not define."""

    def empty(self) -> State:
        """Returns the total of no batches."""
        return {}

    def merge(self, total: State, state: Mapping[str, np.ndarray]) -> State:
        """Returns the total of `total` and one more batch; here, the sums."""
        return {name: total.get(name, 0) + value for name, value in state.items()}


def row_scores(outputs: Outputs) -> tf.Tensor:
    """Returns float32 [B]: `probs` of a pointwise model, or `y` of a regression."""
    found = outputs.predictions
    return found["probs"] if "probs" in found else found["y"]


def count(flags: tf.Tensor) -> tf.Tensor:
    """Returns how many flags are true, int64 scalar."""
    return tf.math.count_nonzero(flags)
