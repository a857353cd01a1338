"""The trainer of one replica of a synchronous step: it exchanges losses, gradients and progress.

The exchange is that of `easyrec_lite.core.replicas`; with one replica there is none.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from easyrec_lite.core import replicas
from easyrec_lite.features.batch import Batch
from easyrec_lite.models.base import REGULARIZATION, Model
from easyrec_lite.training.optimizer import Gradients, Optimizer, unique_rows
from easyrec_lite.training.step import Trainer

# More than the rows of any epoch: epoch · EPOCH + row orders positions.
EPOCH = 1 << 40


class ReplicaProgress(NamedTuple):
    """What a step of R replicas consumes of the data.

    Attributes:
      rows: int64 scalar, rows of all replicas; 0 when the data of all replicas has ended.
      position: int64 [2], the smallest position of a replica; positions differ only if each
        replica has its own files.
      positions: int64 [R, 2], those of all replicas.
    """

    rows: tf.Tensor
    position: tf.Tensor
    positions: tf.Tensor


class ReplicaTrainer(Trainer):
    """Trains one of R replicas that step together; its steps run in a replica context.

    Args:
      model: the model of this replica.
      optimizer: updates its variables.

    Attributes:
      position: int64 variable [2], as of `Trainer`; with `file_positions`, the start of the epoch
        of the slowest replica.
      file_positions: int64 variable [R, 2] if each replica has its own files, else None.
      ended: bool variable, true once the data of all replicas has ended.
    """

    def __init__(self, model: Model, optimizer: Optimizer):
        super().__init__(model, optimizer)
        self.file_positions: tf.Variable | None = None
        self.ended = tf.Variable(False, trainable=False, name="ended")

    def _loss_terms(self, losses: dict[str, tf.Tensor], batch: Batch) -> dict[str, tf.Tensor]:
        """Weights each loss so that the mean over replicas is the loss over the rows of all."""
        if replicas.count() == 1:
            return losses
        weight = self.model.row_weight(batch)
        share = tf.math.divide_no_nan(weight * replicas.count(), replicas.total(weight))
        return {
            name: loss if name == REGULARIZATION else tf.math.multiply_no_nan(loss, share)
            for name, loss in losses.items()
        }

    def _combined(
        self, losses: dict[str, tf.Tensor], gradients: dict[str, Any]
    ) -> tuple[dict[str, tf.Tensor], dict[str, Any]]:
        """Returns the means over replicas of losses and gradients.

        Gradients of tables are exchanged by their distinct rows. A gradient that is None is None
        on all replicas.
        """
        share = 1.0 / replicas.count()
        if share == 1.0:
            return losses, gradients
        sparse = {n: g for n, g in gradients.items() if isinstance(g, tf.IndexedSlices)}
        dense = {n: g for n, g in gradients.items() if g is not None and n not in sparse}
        losses, dense = tf.nest.map_structure(lambda x: x * share, replicas.total((losses, dense)))
        for name, slices in sparse.items():
            rows = replicas.all_rows(unique_rows(slices))
            sparse[name] = tf.IndexedSlices(rows.values * share, rows.indices, rows.dense_shape)
        return losses, {**gradients, **dense, **sparse}

    def _progress(self, batch: Batch) -> ReplicaProgress:
        """Returns the progress of a step in which this replica trains on `batch`."""
        rows = tf.cast(batch.rows, tf.int64)
        if replicas.count() == 1:
            return ReplicaProgress(rows, batch.position, tf.expand_dims(batch.position, 0))
        assert batch.position is not None
        everyone = replicas.stacked(tf.concat([batch.position, rows[None]], axis=0))
        positions = everyone[:, :2]
        first = tf.argmin(positions[:, 0] * EPOCH + positions[:, 1])
        return ReplicaProgress(tf.reduce_sum(everyone[:, 2]), positions[first], positions)

    def _note(self, finite: tf.Tensor, progress: Any) -> None:
        super()._note(finite, progress)
        self.ended.assign(progress.rows == 0)

    def _update(self, gradients: Gradients, progress: Any) -> None:
        super()._update(gradients, progress)
        if self.file_positions is not None:
            self.file_positions.assign(progress.positions)
            self.position.assign(progress.position * [1, 0])
