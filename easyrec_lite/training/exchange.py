"""What the replicas of a synchronous step tell each other: gradients, losses, how far the data is.

With one replica all of it is that replica's own; see `easyrec_lite.core.replicas`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from easyrec_lite.core import replicas
from easyrec_lite.features.batch import Batch
from easyrec_lite.training.optimizers import unique_rows

# More than the rows of an epoch: with it a position becomes one number.
EPOCH = 1 << 40


class Progress(NamedTuple):
    """How far a step's batches go.

    Attributes:
      rows: int64 scalar, rows of all replicas; 0 when the data of all is used up.
      position: int64 [2], the smallest of the replicas' positions; they differ only where each
        replica has files of its own.
      positions: int64 [R, 2], those of all replicas.
    """

    rows: tf.Tensor
    position: tf.Tensor
    positions: tf.Tensor

    @classmethod
    def of(cls, batch: Batch) -> Progress:
        """Returns that of a step in which this replica has `batch`."""
        rows = tf.shape(next(iter(batch.labels.values())), tf.int64)[0]
        if replicas.count() == 1:
            return cls(rows, batch.position, tf.expand_dims(batch.position, 0))
        assert batch.position is not None
        everyone = replicas.stacked(tf.concat([batch.position, rows[None]], axis=0))
        positions = everyone[:, :2]
        first = tf.argmin(positions[:, 0] * EPOCH + positions[:, 1])
        return cls(tf.reduce_sum(everyone[:, 2]), positions[first], positions)


def mean_of_replicas(
    losses: dict[str, tf.Tensor], gradients: dict[str, Any]
) -> tuple[dict[str, tf.Tensor], dict[str, Any]]:
    """Returns the means over replicas of losses and gradients.

    Gradients of tables travel as their distinct rows; those that are None are so on all replicas.
    """
    share = 1.0 / replicas.count()
    if share == 1.0:
        return losses, gradients
    sparse = {n: g for n, g in gradients.items() if isinstance(g, tf.IndexedSlices)}
    dense = {n: g for n, g in gradients.items() if g is not None and n not in sparse}
    losses, dense = tf.nest.map_structure(lambda x: x * share, replicas.total((losses, dense)))
    for name, slices in sparse.items():
        found = replicas.all_rows(unique_rows(slices))
        sparse[name] = tf.IndexedSlices(found.values * share, found.indices, found.dense_shape)
    return losses, {**gradients, **dense, **sparse}
