"""One training step, and many of them in one call."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from easyrec_lite.batch import Batch
from easyrec_lite.features.values import Dense
from easyrec_lite.models.base import Model
from easyrec_lite.training.optimizers import Gradients, Optimizer, global_norm


class Trainer:
    """Runs training steps: forward, losses, gradients, update.

    A step whose loss or gradient is not finite changes no weight; `finite` is false from then on
    and no further step runs.

    Args:
      model: the model to train.
      optimizer: moves its variables.

    Attributes:
      step: int64 variable, steps done.
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
        self._shown = _Named(tf.float32)
        self._suspects = _Named(tf.bool)

    def variables_by_name(self) -> dict[str, tf.Variable]:
        """Returns all state that a run needs to go on to the same numbers."""
        return {
            **self.model.variables_by_name(),
            **self.optimizer.variables_by_name(),
            "global_step": self.step,
            "position": self.position,
        }

    def gradients(self, batch: Batch) -> tuple[dict[str, tf.Tensor], dict[str, Any]]:
        """Returns (losses by name, raw gradients by variable name) of one batch."""
        trainable = self.optimizer.trainable
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for variable in trainable.values():
                tape.watch(variable)
            with tf.name_scope("model"):
                outputs = self.model(batch, training=True)
            with tf.name_scope("losses"):
                losses = self.model.losses(outputs, batch)
                total = tf.add_n(list(losses.values()))
        with tf.name_scope("gradients"):
            found = tape.gradient(total, list(trainable.values()))
        return losses, dict(zip(trainable, found, strict=True))

    def train_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        """Does one step and returns what a log shows: losses, total, gradient norm, rates."""
        losses, raw = self.gradients(batch)
        with tf.name_scope("distinct"):
            prepared = self.optimizer.prepare(raw)
        norm = global_norm(prepared)
        shown = {**losses, "total_loss": tf.add_n(list(losses.values())), "gradient_norm": norm}
        finite = tf.math.is_finite(shown["total_loss"]) & tf.math.is_finite(norm)
        self.finite.assign(finite)
        rates = self.optimizer.rates(self.step)
        tf.cond(finite, lambda: self._update(prepared, batch), lambda: self._blame(raw, batch))
        return {**shown, **rates, **self.model.shown()}

    def _update(self, prepared: Gradients, batch: Batch) -> None:
        with tf.name_scope("update"):
            self.optimizer.apply(prepared, self.step)
        self.optimizer.update_averages(self.model.trainable)
        self.step.assign_add(1)
        self.position.assign(batch.position)

    def _blame(self, raw: dict[str, Any], batch: Batch) -> None:
        """Notes which dense features and gradients are not finite."""
        suspects = {
            f"feature {name!r}": value.values
            for name, value in batch.features.items()
            if isinstance(value, Dense)
        }
        for name, gradient in raw.items():
            if gradient is not None:
                values = gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient
                suspects[f"gradient of {name!r}"] = values
        self._suspects.assign(
            {name: ~tf.reduce_all(tf.math.is_finite(values)) for name, values in suspects.items()}
        )

    def not_finite(self) -> list[str]:
        """Returns what the failed step found not finite: features first, then gradients."""
        return [name for name, bad in self._suspects.read().items() if bad]

    @tf.function(autograph=False, reduce_retracing=True)
    def _run(self, iterator: tf.data.Iterator, count: tf.Tensor) -> None:
        tf.while_loop(
            lambda done: (done < count) & self.finite,
            lambda done: self._one(iterator, done),
            [tf.constant(0, tf.int64)],
            parallel_iterations=1,
        )

    def _one(self, iterator: tf.data.Iterator, done: tf.Tensor) -> list[tf.Tensor]:
        start = tf.timestamp()
        with tf.control_dependencies([start]):
            batch = next(iterator)
        with tf.control_dependencies([batch.position]):
            self._waited.assign_add(tf.timestamp() - start)
        self._shown.assign(self.train_step(batch))
        self._rows.assign_add(tf.shape(_first(batch), out_type=tf.int64)[0])
        return [done + 1]

    def run(self, iterator: tf.data.Iterator, count: int) -> bool:
        """Does up to `count` steps; returns False when the data ended before that.

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
        """Returns rows trained on and seconds waited for input since the last call."""
        counts = int(self._rows), float(self._waited)
        self._rows.assign(0)
        self._waited.assign(0.0)
        return counts


def _first(batch: Batch) -> tf.Tensor:
    return next(iter(batch.labels.values()))


class _Named:
    """Scalars by name, whose names are known only when the step is traced.

    One variable of open length holds them: a variable made while `tf.function` traces would make
    it trace twice, which costs time and memory for large graphs.
    """

    def __init__(self, dtype: tf.DType):
        self._names: tuple[str, ...] = ()
        self._values = tf.Variable(
            tf.zeros([0], dtype), trainable=False, shape=[None], name="named"
        )

    def assign(self, values: dict[str, tf.Tensor]) -> None:
        """Keeps `values`, scalars, in the place of those before."""
        self._names = tuple(values)
        self._values.assign(tf.stack(list(values.values())))

    def read(self) -> dict[str, Any]:
        """Returns the values kept last; nothing before the first."""
        return dict(zip(self._names, self._values.numpy(), strict=False))
