"""Asynchronous training: workers share variables on parameter servers, each at its own pace."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

import tensorflow as tf

from easyrec_lite.distribution.replica_trainer import EPOCH
from easyrec_lite.models.base import Model
from easyrec_lite.training.optimizer import Gradients, Optimizer
from easyrec_lite.training.step import NamedScalars, StepProgress, Trainer

# A call of many steps is split into so many pieces for each worker, so that a slow worker runs
# fewer of them. A piece is one closure of the coordinator: one step a closure is slower, see
# docs/distributed.md.
PIECES = 4
# The largest number of scalars that a step can log.
_MAX_SHOWN = 64


class AsynchronousTrainer(Trainer):
    """Schedules steps on workers; the training loop uses it as a `Trainer`.

    A gradient belongs to the variables as the worker read them; other workers may have updated
    them since. Create it under the strategy's scope, so that its variables are on the servers.

    Args:
      model: the model to train.
      optimizer: updates its variables.
      coordinator: schedules functions on the workers.
      workers: W, the number of workers.
      features: the names of all features.

    Attributes:
      positions: int64 variable [W, 2], the position of each worker in its share of the data; −1
        before `resume`.
    """

    def __init__(
        self,
        model: Model,
        optimizer: Optimizer,
        coordinator: tf.distribute.coordinator.ClusterCoordinator,
        workers: int,
        features: Collection[str],
    ):
        super().__init__(model, optimizer)
        self._coordinator = coordinator
        self._workers = workers
        unknown = tf.fill([workers, 2], tf.constant(-1, tf.int64))
        self.positions = tf.Variable(unknown, trainable=False, name="positions")
        self._shown = NamedScalars(tf.float32, _MAX_SHOWN)
        self._suspects = NamedScalars(tf.int64, len(optimizer.trainable) + 2 * len(features))
        self._worker: tf.Tensor
        self._ended: set[int] = set()

    def resume(self) -> bool:
        """Returns whether a checkpoint held the position of each of these workers.

        If it belongs to other workers, all start at its `position`.
        """
        known = bool(tf.reduce_all(self.positions >= 0))
        if not known:
            self.positions.assign(tf.tile(self.position[None], [self._workers, 1]))
        return known

    def settle(self) -> None:
        """Sets `position` to the smallest of the workers', for runs with other workers."""
        each = self.positions.numpy()
        self.position.assign(each[(each[:, 0] * EPOCH + each[:, 1]).argmin()])

    def _note(self, finite: tf.Tensor, progress: StepProgress) -> None:
        """Records nothing: each piece carries its own state."""

    def _update(self, gradients: Gradients, progress: StepProgress) -> None:
        self.optimizer.apply(gradients, self.step)
        self.optimizer.update_averages(self.model.trainable)
        self.step.assign_add(1)
        position = tf.expand_dims(progress.position, 0)
        self.positions.scatter_nd_update([[self._worker]], position)

    @tf.function(autograph=False, reduce_retracing=True)
    def _piece(self, iterator: Any, count: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Runs up to `count` steps on the worker that executes it.

        Returns:
          The worker's number, its steps and rows, seconds waited for input, whether all steps were
          finite, and whether there is more data.
        """
        self._worker = tf.distribute.coordinator.experimental_get_current_worker_index()
        state = [
            tf.constant(0, tf.int64),
            tf.constant(0, tf.int64),
            tf.constant(0.0, tf.float64),
            tf.constant(True),
            tf.constant(True),
            tf.zeros([_MAX_SHOWN]),
        ]
        *counts, shown = tf.while_loop(
            lambda done, rows, waited, finite, more, shown: (done < count) & finite & more,
            lambda *state: self._step_of_piece(iterator, *state),
            state,
            parallel_iterations=1,
        )
        tf.cond(counts[0] > 0, lambda: self._shown.keep(shown), lambda: None)
        return (self._worker, *counts)

    def _step_of_piece(
        self, iterator: Any, done: Any, rows: Any, waited: Any, finite: Any, more: Any, shown: Any
    ) -> list[tf.Tensor]:
        start = tf.timestamp()
        with tf.control_dependencies([start]):
            batch = iterator.get_next_as_optional()
        more = batch.has_value()
        with tf.control_dependencies([more]):
            waited += tf.timestamp() - start

        def step() -> tuple[tf.Tensor, ...]:
            given = batch.get_value()
            values = self.train_step(given)
            good = tf.math.is_finite(values["total_loss"] + values["gradient_norm"])
            return rows + tf.cast(given.rows, tf.int64), good, self._shown.stacked(values)

        rows, finite, shown = tf.cond(more, step, lambda: (rows, finite, shown))
        return [done + tf.cast(more, tf.int64), rows, waited, finite, more, shown]

    def run(self, iterator: Any, count: int) -> bool:
        """Runs `count` steps, or more if a worker was lost meanwhile.

        Returns:
          False when the data of all workers ended before that.

        Raises:
          tf.errors.OpError: the input failed, or a parameter server is gone.
        """
        more = self._run_pieces(iterator, int(self.step) + count)
        self.settle()
        return more

    def _run_pieces(self, iterator: Any, goal: int) -> bool:
        while (left := goal - int(self.step)) > 0:
            pieces = [
                self._coordinator.schedule(self._piece, args=(iterator, tf.constant(n, tf.int64)))
                for n in _split(left, PIECES * self._workers)
            ]
            self._coordinator.join()
            steps = sum([self._take(piece.fetch()) for piece in pieces])
            if not bool(self.finite):
                return True
            if len(self._ended) == self._workers:
                return False
            if not steps:
                time.sleep(0.1)  # the workers whose data has not ended are lost for now
        return True

    def _take(self, result: Any) -> int:
        worker, done, rows, waited, finite, more = (value.item() for value in result)
        self._rows.assign_add(rows)
        self._waited.assign_add(waited / self._workers)
        if not finite:
            self.finite.assign(False)
        if not more:
            self._ended.add(worker)
        return int(done)


def _split(total: int, parts: int) -> list[int]:
    """Splits `total` into up to `parts` positive numbers that differ by at most 1."""
    parts = min(parts, total)
    return [total * (i + 1) // parts - total * i // parts for i in range(parts)]
