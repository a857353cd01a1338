"""The steps of this process's replicas; the training loop uses it as a `Trainer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from easyrec_lite.distribution.replica_trainer import ReplicaTrainer
from easyrec_lite.features.batch import Batch


class SynchronousTrainer:
    """Runs the steps of this process's replicas, in step with those of others.

    All replicas have equal variables after each step: those of the first are logged and saved.

    Args:
      strategy: the strategy whose replicas step together.
      trainers: one for each replica of this process, in the order of the strategy's devices.
    """

    def __init__(self, strategy: tf.distribute.Strategy, trainers: Sequence[ReplicaTrainer]):
        self._strategy = strategy
        self._trainers = trainers
        self._alone = strategy.num_replicas_in_sync == 1
        first = trainers[0]
        self.model, self.step, self.position = first.model, first.step, first.position
        self.finite, self._ended = first.finite, first.ended
        self.variables_by_name, self.shown = first.variables_by_name, first.shown
        self.take_counts, self.not_finite = first.take_counts, first.not_finite

    def copy_first(self) -> None:
        """Copies the variables of the first replica to the others of this process."""
        source = self._trainers[0].variables_by_name()
        for trainer in self._trainers[1:]:
            for name, variable in trainer.variables_by_name().items():
                variable.assign(source[name])
            if trainer.file_positions is not None:
                trainer.file_positions.assign(self._trainers[0].file_positions)

    def run(self, iterators: Sequence[Any], count: int) -> bool:
        """Runs up to `count` steps; returns False when the data of all ended before that.

        Raises:
          tf.errors.OpError: the input failed, or another process.
        """
        # Within one call TensorFlow requires every exchange to keep its shape, but the number of
        # table rows changes with each step.
        calls, steps = (1, count) if self._alone else (count, 1)
        for _ in range(calls):
            self._run(list(iterators), tf.constant(steps, tf.int64))
            if bool(self._ended) or not bool(self.finite):
                break
        return not bool(self._ended)

    @tf.function(autograph=False, reduce_retracing=True)
    def _run(self, iterators: list[Any], count: tf.Tensor) -> None:
        tf.while_loop(
            lambda done: (done < count) & self.finite & ~self._ended,
            lambda done: self._one(iterators, done),
            [tf.constant(0, tf.int64)],
            parallel_iterations=1,
        )

    def _one(self, iterators: list[Any], done: tf.Tensor) -> list[tf.Tensor]:
        pairs = zip(self._trainers, iterators, strict=True)
        batches = [trainer.next_batch(iterator) for trainer, iterator in pairs]
        self._strategy.run(lambda: self._on_replica(batches))
        return [done + 1]

    def _on_replica(self, batches: list[Batch]) -> None:
        number = 0
        if len(batches) > 1:
            context = tf.distribute.get_replica_context()
            number = int(tf.get_static_value(context.replica_id_in_sync_group)) % len(batches)
        self._trainers[number].train_on(batches[number])
