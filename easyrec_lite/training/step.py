"""One training step, and many of them in one call."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from easyrec_lite.data.rows.values import Bags, Dense, DenseSteps, FeatureValue
from easyrec_lite.features.batch import Batch
from easyrec_lite.models.base import Model
from easyrec_lite.training.optimizer import Gradients, Optimizer, global_norm

NONE = -1


class StepProgress(NamedTuple):
    """What a step consumes of the data.

    Attributes:
      rows: int64 scalar, rows of the step.
      position: int64 [2], (epoch, rows of it consumed) after the step.
    """

    rows: tf.Tensor
    position: tf.Tensor | None


class Trainer:
    """Runs training steps: forward, losses, gradients, update.

    A step whose loss or gradient is not finite changes no weight. It sets `finite` to false, and no
    further step runs.

    Args:
      model: the model to train.
      optimizer: updates its variables.

    Attributes:
      step: int64 variable, the steps done.
      position: int64 variable [2], (epoch, rows of it consumed) after the last step.
      finite: bool variable, false once a loss or gradient was not.
    """

    def __init__(self, model: Model, optimizer: Optimizer):
        self.model = model
        self.optimizer = optimizer
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="global_step")
        self.position = tf.Variable([0, 0], dtype=tf.int64, trainable=False, name="position")
        self.finite = tf.Variable(True, trainable=False, name="finite")
        self._waited = tf.Variable(0.0, dtype=tf.float64, trainable=False, name="waited")
        self._rows = tf.Variable(0, dtype=tf.int64, trainable=False, name="rows")
        self._shown = NamedScalars(tf.float32)
        self._suspects = NamedScalars(tf.int64)

    def variables_by_name(self) -> dict[str, tf.Variable]:
        """Returns all state that a resumed run needs to compute the same numbers."""
        return {
            **self.model.variables_by_name(),
            **self.optimizer.variables_by_name(),
            "global_step": self.step,
            "position": self.position,
        }

    def gradients(self, batch: Batch) -> tuple[dict[str, tf.Tensor], dict[str, Any]]:
        """Returns (name → loss, variable name → raw gradient) of one batch."""
        trainable = self.optimizer.trainable
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for variable in trainable.values():
                tape.watch(variable)
            with tf.name_scope("model"):
                outputs = self.model(batch, training=True)
            with tf.name_scope("losses"):
                losses = self._loss_terms(self.model.losses(outputs, batch), batch)
                total = tf.add_n(list(losses.values()))
        with tf.name_scope("gradients"):
            gradients = tape.gradient(total, list(trainable.values()))
        return losses, dict(zip(trainable, gradients, strict=True))

    def _loss_terms(self, losses: dict[str, tf.Tensor], batch: Batch) -> dict[str, tf.Tensor]:
        """Returns the losses to differentiate; trainers of several replicas weight them."""
        return losses

    def _combined(
        self, losses: dict[str, tf.Tensor], gradients: dict[str, Any]
    ) -> tuple[dict[str, tf.Tensor], dict[str, Any]]:
        """Returns the losses and gradients of the step; of several replicas their means."""
        return losses, gradients

    def _progress(self, batch: Batch) -> Any:
        """Returns the `StepProgress` of a step on `batch`."""
        return StepProgress(tf.cast(batch.rows, tf.int64), batch.position)

    def train_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Runs one step.

        Returns:
          The scalars to log: losses, total loss, gradient norm, learning rates.
        """
        progress = self._progress(batch)
        losses, raw = self._combined(*self.gradients(batch))
        with tf.name_scope("distinct"):
            prepared = self.optimizer.prepare(raw)
        norm = global_norm(prepared)
        shown = {**losses, "total_loss": tf.add_n(list(losses.values())), "gradient_norm": norm}
        finite = tf.math.is_finite(shown["total_loss"]) & tf.math.is_finite(norm)
        self._note(finite, progress)
        rates = self.optimizer.rates(self.step)
        tf.cond(
            finite & (progress.rows > 0),
            lambda: self._update(prepared, progress),
            lambda: self._blame(raw, batch),
        )
        return {**shown, **rates, **self.model.shown()}

    def _note(self, finite: tf.Tensor, progress: Any) -> None:
        self.finite.assign(finite | (progress.rows == 0))

    def _update(self, gradients: Gradients, progress: Any) -> None:
        with tf.name_scope("update"):
            self.optimizer.apply(gradients, self.step)
        self.optimizer.update_averages(self.model.trainable)
        self.step.assign_add(1)
        self.position.assign(progress.position)
        self._rows.assign_add(progress.rows)

    def _blame(self, raw: dict[str, Any], batch: Batch) -> None:
        """Records the first row of each feature, and the gradients, that are not finite."""
        features = {f"feature {name!r}": value for name, value in batch.features.items()}
        for name, value in batch.negatives.items():
            features[f"feature {name!r} of sampled items"] = value
        suspects = {name: _first_bad_row(value) for name, value in features.items()}
        for name, gradient in raw.items():
            if gradient is not None:
                values = gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient
                good = tf.reduce_all(tf.math.is_finite(values))
                suspects[f"gradient of {name!r}"] = tf.where(good, tf.constant(NONE, tf.int64), 0)
        self._suspects.assign(suspects)

    def not_finite(self) -> dict[str, int]:
        """Returns the features that are not finite, or else the gradients, after a failed step.

        Returns:
          Name → first bad row of the batch, from 0; 0 for a gradient.
        """
        bad = {name: int(row) for name, row in self._suspects.read().items() if row != NONE}
        features = {name: row for name, row in bad.items() if name.startswith("feature")}
        return features or bad

    @tf.function(autograph=False, reduce_retracing=True)
    def _run(self, iterator: tf.data.Iterator, count: tf.Tensor) -> None:
        tf.while_loop(
            lambda done: (done < count) & self.finite,
            lambda done: self._one(iterator, done),
            [tf.constant(0, tf.int64)],
            parallel_iterations=1,
        )

    def _one(self, iterator: tf.data.Iterator, done: tf.Tensor) -> list[tf.Tensor]:
        self.train_on(self.next_batch(iterator))
        return [done + 1]

    def next_batch(self, iterator: tf.data.Iterator) -> Batch:
        """Returns the next batch, and adds the time spent waiting for it."""
        start = tf.timestamp()
        with tf.control_dependencies([start]):
            batch: Batch = next(iterator)
        with tf.control_dependencies([batch.position]):
            waited = self._waited.assign_add(tf.timestamp() - start)
        # The step must not start before the clock is read, which may wait for a free thread.
        with tf.control_dependencies([waited]):
            begun = [part if part is None else tf.identity(part) for part in tf.nest.flatten(batch)]
        return tf.nest.pack_sequence_as(batch, begun)

    def train_on(self, batch: Batch) -> None:
        """Runs one step and keeps its scalars for `shown`."""
        self._shown.assign(self.train_step(batch))

    def run(self, iterator: tf.data.Iterator, count: int) -> bool:
        """Runs up to `count` steps; returns False when the data ended before that.

        Raises:
          tf.errors.OpError: the input failed.
        """
        try:
            self._run(iterator, tf.constant(count, tf.int64))
        except tf.errors.OutOfRangeError:
            return False
        return True

    def shown(self) -> dict[str, float]:
        """Returns the losses, gradient norm and rates of the last step."""
        return {name: float(value) for name, value in self._shown.read().items()}

    def take_counts(self) -> tuple[int, float]:
        """Returns rows trained on and seconds spent waiting for input since the last call."""
        counts = int(self._rows), float(self._waited)
        self._rows.assign(0)
        self._waited.assign(0.0)
        return counts


def _first_bad_row(value: FeatureValue) -> tf.Tensor:
    """Returns the first of B rows that holds a number that is not finite, int64, or `NONE`."""
    numbers = value.values if isinstance(value, Dense | DenseSteps) else None
    numbers = value.weights if isinstance(value, Bags) else numbers
    if numbers is None:
        return tf.constant(NONE, tf.int64)
    if isinstance(numbers, tf.RaggedTensor):
        rows, numbers = tf.cast(numbers.value_rowids(), tf.int64), numbers.flat_values
    else:
        rows = tf.range(tf.shape(numbers, tf.int64)[0])
    good = tf.math.is_finite(tf.reshape(numbers, [tf.size(rows), -1]))
    bad = tf.boolean_mask(rows, ~tf.reduce_all(good, axis=1))
    return tf.where(tf.size(bad) > 0, tf.reduce_min(bad), tf.constant(NONE, tf.int64))


class NamedScalars:
    """Scalars by name, whose names are known only when the step is traced.

    They share one variable of unknown length: creating variables while `tf.function` traces would
    make it trace twice, which costs time and memory for large graphs.

    Args:
      dtype: of the scalars.
      size: the largest number of them, for a variable on another machine, which needs a length.
    """

    def __init__(self, dtype: tf.DType, size: int | None = None):
        self._names: tuple[str, ...] = ()
        self._size = size
        self._values = tf.Variable(
            tf.zeros([size or 0], dtype), trainable=False, shape=[size], name="named"
        )

    def assign(self, values: dict[str, tf.Tensor]) -> None:
        """Replaces the scalars by `values`."""
        self.keep(self.stacked(values))

    def stacked(self, values: dict[str, tf.Tensor]) -> tf.Tensor:
        """Returns scalars as a vector for `keep`."""
        self._names = tuple(values)
        stacked = tf.stack(list(values.values()))
        return stacked if self._size is None else tf.pad(stacked, [[0, self._size - len(values)]])

    def keep(self, stacked: tf.Tensor) -> None:
        """Replaces the scalars by those of a vector that `stacked` returned."""
        self._values.assign(stacked)

    def read(self) -> dict[str, Any]:
        """Returns name → value; empty before the first step."""
        return dict(zip(self._names, self._values.numpy(), strict=False))
