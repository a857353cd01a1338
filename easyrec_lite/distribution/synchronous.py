"""Synchronous training: replicas on the devices of one or more processes step together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from easyrec_lite.config import Pipeline
from easyrec_lite.core import replicas
from easyrec_lite.core.errors import PeerLost, Place, Problem
from easyrec_lite.data.readers.iterate import position_of
from easyrec_lite.data.rows.share import Share
from easyrec_lite.distribution.base import Distribution, log, make_replica, order_from
from easyrec_lite.distribution.replica_trainer import ReplicaTrainer
from easyrec_lite.distribution.synchronous_trainer import SynchronousTrainer
from easyrec_lite.features.batch import Batch
from easyrec_lite.models.base import SEED_STATE, Model
from easyrec_lite.training.checkpoint_files import checkpoint_at
from easyrec_lite.training.checkpoints import GONE, Checkpoints
from easyrec_lite.training.loop import StepPlan
from easyrec_lite.training.optimizer import Optimizer
from easyrec_lite.training.preemption import SIGTERM_REASON

# What the exchange raises in the other processes when one is gone.
LOST = (*GONE, tf.errors.DeadlineExceededError)
COLLECTIVE = "Collective ops is aborted by"


class SynchronousReplicas(Distribution):
    """Every replica holds all variables on its device; all are updated by the mean gradients.

    All exchange between replicas is that of `easyrec_lite.core.replicas`.

    Args:
      pipeline: the config.
      strategy: a `MirroredStrategy` or `MultiWorkerMirroredStrategy`.
      worker: the number of this process in the strategy.
      workers: the number of processes, with equal numbers of devices.

    Raises: as `make_replica`.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        strategy: tf.distribute.Strategy,
        worker: int = 0,
        workers: int = 1,
    ):
        super().__init__(pipeline)
        self.chief = worker == 0
        self.count = strategy.num_replicas_in_sync
        self._strategy = strategy
        devices = strategy.extended.worker_devices
        by_file = pipeline.config.data_config.file_shard
        self.replicas = []
        self._trainers: list[ReplicaTrainer] = []
        for i, device in enumerate(devices):
            share = Share(worker * len(devices) + i, workers * len(devices), by_file)
            with tf.device(device):
                self.replicas.append(make_replica(pipeline, share, self._make_trainer))
                if by_file:
                    unknown = tf.fill([share.count, 2], tf.constant(-1, tf.int64))
                    self._trainers[-1].file_positions = tf.Variable(unknown, trainable=False)
        self.trainer = SynchronousTrainer(strategy, self._trainers)

    def _make_trainer(self, model: Model, optimizer: Optimizer) -> ReplicaTrainer:
        self._trainers.append(ReplicaTrainer(model, optimizer))
        return self._trainers[-1]

    def iterator(self) -> list[Any]:
        """Returns an infinite iterator for each replica."""
        data = self.pipeline.config.data_config
        made = []
        for replica, trainer in zip(self.replicas, self._trainers, strict=True):
            own = self.trainer.position
            if trainer.file_positions is not None:
                own = trainer.file_positions[replica.input.reader.share.index]
            order = order_from(self.pipeline, position_of(own))
            padded = replica.input.padded(data.batch_size, order, data.drop_remainder)
            made.append(iter(padded.map(_empty_unless_real)))
        log.info("training data: %s", self.replicas[0].input.reader.describe())
        return made

    def own_variables(self) -> dict[str, tf.Variable]:
        """Returns the positions of replicas with their own files."""
        positions = self._trainers[0].file_positions
        return {} if positions is None else {"file_positions": positions}

    def restore(self, checkpoints: Checkpoints) -> str | None:
        """Restores the checkpoint that the chief chooses into all replicas."""
        prefix, step = None, -1
        if self.chief:
            prefix = super().restore(checkpoints)
            step = int(self.trainer.step) if prefix else -1
        step = self._sum([step + 1 if self.chief else 0])[0] - 1
        if not self.chief:
            if step >= 0:
                prefix = checkpoint_at(checkpoints.folder, step)
                checkpoints.restore(prefix)
            else:
                self._warm_start()
        self._place_readers(prefix)
        self.trainer.copy_first()
        self._draw_apart()
        return prefix

    def _draw_apart(self) -> None:
        """Shifts the seeds of dropouts, so that no two replicas drop the same units.

        Those of the first replica, which checkpoints hold, are not changed.
        """
        for replica in self.replicas:
            number = replica.input.reader.share.index
            for name, state in replica.parts.model.variables_by_name().items():
                if SEED_STATE in name:
                    state.assign_add(tf.constant([number, 0], state.dtype))

    def _place_readers(self, prefix: str | None) -> None:
        positions = self._trainers[0].file_positions
        if positions is None or bool(tf.reduce_all(positions >= 0)):
            return
        positions.assign(tf.tile(self.trainer.position[None] * [1, 0], [self.count, 1]))
        if prefix and self.chief:
            log.warning(
                "the checkpoint does not belong to %d workers with their own files: all start at "
                "the beginning of epoch %d, so that rows may be read twice",
                self.count,
                int(self.trainer.position[0]),
            )

    def agree(self, plan: StepPlan) -> StepPlan:
        """Returns the chief's plan; any process can stop all, also by SIGTERM."""
        own = [plan.steps, plan.save] if self.chief else [0, 0]
        own += [bool(plan.stop), plan.stop == SIGTERM_REASON]
        steps, save, stop, sigterm = self._sum(own)
        other = "another process stopped" if stop else ""
        reason = SIGTERM_REASON if sigterm else plan.stop or other
        return StepPlan(steps, bool(save), reason)

    def finish(self) -> None:
        """Waits until the chief has finished the last evaluation and export."""
        self._sum([0])

    def locate(self, row: int) -> Place:
        """Returns no place: the row belongs to the share of an unknown replica."""
        return Place()

    def describe(self) -> Sequence[str]:
        """Returns the numbers of replicas and of rows in a step."""
        size = self.pipeline.config.data_config.batch_size
        where = ", ".join(self._strategy.extended.worker_devices)
        return [
            f"{self.count} replicas step together, {len(self.replicas)} of them here ({where})",
            f"batches of {size} rows each, {self.count * size} rows a step",
        ]

    def lost(self, error: tf.errors.OpError) -> PeerLost | None:
        """Returns that another process is gone, if that is why TensorFlow failed."""
        others = self.count > len(self.replicas)
        gone = isinstance(error, LOST) or COLLECTIVE in str(error)
        return PeerLost(_lost(error)) if others and gone else None

    def _sum(self, numbers: Sequence[int]) -> list[int]:
        """Returns the sums of a few numbers over processes."""
        padded = tf.constant([int(number) for number in numbers], tf.int64)
        return [int(n) // len(self.replicas) for n in self._total(padded)]

    @tf.function(autograph=False, reduce_retracing=True)
    def _total(self, numbers: tf.Tensor) -> tf.Tensor:
        totals = self._strategy.run(replicas.total, args=(numbers,))
        return self._strategy.experimental_local_results(totals)[0]


def _lost(error: Exception) -> Problem:
    return Problem(
        "another process of this run is gone, or cannot be reached",
        Place("train_config.train_distribute"),
        found=_reason(error),
        remedy="see its own log; then start the same command again on all machines: it resumes "
        "from the newest checkpoint",
    )


def _reason(error: Exception) -> str:
    """Returns the message of the transport, or else the kind of the error."""
    words = re.search(r'grpc_message:"([^"]+)"', str(error))
    return words[1] if words else type(error).__name__.removesuffix("Error")


@tf.autograph.experimental.do_not_convert
def _empty_unless_real(batch: Batch, real: tf.Tensor) -> Batch:
    """Removes the rows of a batch that only stands in for one; keeps its position."""

    def cut(rows: Any) -> Any:
        if rows is None:
            return None
        ragged = isinstance(rows, tf.RaggedTensor)
        count = rows.nrows(tf.int64) if ragged else tf.shape(rows, tf.int64)[0]
        return rows[: tf.where(real, count, 0)]

    rows = tf.nest.map_structure(cut, batch._replace(position=None))
    return rows._replace(position=batch.position)
