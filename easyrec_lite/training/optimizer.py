"""The optimiser of a run: update rules, learning rates, clipping, freezing, moving averages."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from easyrec_lite.checks.specs.optimizer import OPTIMIZERS
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.features import sharded
from easyrec_lite.protos import messages
from easyrec_lite.protos.messages import TrainConfig
from easyrec_lite.training.patterns import matching
from easyrec_lite.training.schedules import Schedule, make_schedule
from easyrec_lite.training.update_rule import UpdateRule

Gradients = dict[str, tf.Tensor | tf.IndexedSlices]

log = logging.getLogger(__name__)


class Optimizer:
    """Updates a model's trainable variables by their gradients, as a `TrainConfig` asks.

    Tables (embedding matrices [rows, D]) are updated by rows. Of two `optimizer_config`s the first
    is for the tables, the second for all other variables.

    Args:
      config: the `TrainConfig` message, checked.
      trainable: variable name → variable.
      tables: the names among them that are embedding tables.

    Attributes:
      averages: variable name → its moving average; empty without `use_moving_average`.
    """

    def __init__(self, config: TrainConfig, trainable: Mapping[str, tf.Variable], tables: set[str]):
        frozen = matching(trainable, config.freeze_gradient)
        thawed = {name: v for name, v in trainable.items() if name not in frozen}
        parts = {name: sharded.parts(name, variable) for name, variable in thawed.items()}
        self._trainable = {part: v for each in parts.values() for part, v in each.items()}
        self._tables = {part for name in tables & parts.keys() for part in parts[name]}
        self._clip = config.gradient_clipping_by_norm
        self._groups = [_Group(entry, i) for i, entry in enumerate(config.optimizer_config)]
        self._slots: dict[str, dict[str, tf.Variable]] = {part: {} for part in self._trainable}
        self._state: dict[str, tf.Variable] = {}
        for name, variable in thawed.items():
            for slot, state in self._group(next(iter(parts[name]))).make_slots(variable).items():
                self._state[f"{name}/{slot}"] = state
                for part, own in sharded.parts(name, state).items():
                    self._slots[part][slot] = own
        first = config.optimizer_config[0]
        self._average_decay = first.moving_average_decay if first.use_moving_average else 0.0
        self.averages: dict[str, tf.Variable] = {}
        if self._average_decay:
            self.averages = {
                name: sharded.alike(variable, lambda part: tf.Variable(part, trainable=False))
                for name, variable in trainable.items()
            }

    def _group(self, name: str) -> _Group:
        return self._groups[0] if name in self._tables else self._groups[-1]

    @property
    def trainable(self) -> dict[str, tf.Variable]:
        """The variables that are updated: the trainable ones that `freeze_gradient` does not match.

        A table in parts is listed by its parts, `NAME/part_0` and so on.
        """
        return self._trainable

    def variables_by_name(self) -> dict[str, tf.Variable]:
        """Returns the optimiser's state: slots and moving averages."""
        return {**self._state, **{f"{name}/average": v for name, v in self.averages.items()}}

    def rates(self, step: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the learning rates at `step` (steps done so far), for logs."""
        names = ["learning_rate"] if len(self._groups) == 1 else ["embedding_rate", "learning_rate"]
        time = tf.cast(step, tf.float32)
        return {name: group.schedule(time) for name, group in zip(names, self._groups, strict=True)}

    def prepare(self, gradients: Mapping[str, Any]) -> Gradients:
        """Returns gradients with unique rows, scaled and clipped as the config asks.

        Args:
          gradients: variable name → dense gradient, `IndexedSlices`, or None (left out).
        """
        ready: Gradients = {}
        for name, gradient in gradients.items():
            if gradient is None or name not in self._trainable:
                continue
            if isinstance(gradient, tf.IndexedSlices):
                gradient = unique_rows(gradient)
            scale = self._group(name).table_scale if name in self._tables else 1.0
            ready[name] = gradient if scale == 1.0 else _scaled(gradient, scale)
        if self._clip:
            norm = global_norm(ready)
            factor = self._clip / tf.maximum(norm, self._clip)
            ready = {name: _scaled(gradient, factor) for name, gradient in ready.items()}
        return ready

    def apply(self, gradients: Gradients, step: tf.Tensor) -> None:
        """Updates the variables by prepared gradients; `step` (int64) counts the steps done."""
        rates = [group.schedule(tf.cast(step, tf.float32)) for group in self._groups]
        for name, gradient in gradients.items():
            group = self._group(name)
            rate = rates[group.index]
            variable, slots = self._trainable[name], self._slots[name]
            with tf.device(variable.device):
                if isinstance(gradient, tf.IndexedSlices):
                    group.rule.by_rows(
                        variable, slots, gradient.indices, gradient.values, rate, step + 1
                    )
                else:
                    group.rule.dense(variable, slots, gradient, rate, step + 1)

    def update_averages(self, trainable: Mapping[str, tf.Variable]) -> None:
        """Updates the moving averages, if there are any."""
        for name, average in self.averages.items():
            current = sharded.parts(name, trainable[name])
            for part, own in sharded.parts(name, average).items():
                with tf.device(own.device):
                    own.assign_sub((1.0 - self._average_decay) * (own - current[part]))


class _Group:
    """One `Optimizer` message: its update rule, its schedule, its scale of table gradients."""

    def __init__(self, config: messages.Optimizer, index: int):
        kind = config.WhichOneof("optimizer")
        params = getattr(config, kind)
        self.index = index
        self.rule: UpdateRule = OPTIMIZERS.get(kind)(params)
        self.schedule: Schedule = make_schedule(params.learning_rate)
        given = config.HasField("embedding_learning_rate_multiplier")
        self.table_scale = config.embedding_learning_rate_multiplier if given else 1.0

    def make_slots(self, variable: tf.Variable) -> dict[str, tf.Variable]:
        return {slot: _filled(variable, value) for slot, value in self.rule.slots.items()}


def _filled(variable: tf.Variable, value: float) -> tf.Variable:
    return sharded.alike(
        variable, lambda part: tf.Variable(tf.fill(part.shape, value), trainable=False)
    )


def global_norm(gradients: Gradients) -> tf.Tensor:
    """Returns the root of the sum of squares of all gradients, float32 scalar."""
    values = [g.values if isinstance(g, tf.IndexedSlices) else g for g in gradients.values()]
    return tf.sqrt(2.0 * tf.add_n([tf.nn.l2_loss(value) for value in values]))


def unique_rows(slices: tf.IndexedSlices) -> tf.IndexedSlices:
    """Sums the gradients of each row, so that each row occurs once.

    1. `tf.unique` numbers the distinct rows, and gives each gradient the number of its row.
    2. These pairs (row number, gradient number) are the ones of a sparse matrix. Its product with
       the gradients is the sum by rows: several times faster than `unsorted_segment_sum`.
    """
    rows, place = tf.unique(slices.indices, tf.int64)
    count, distinct = tf.size(place, tf.int64), tf.size(rows, tf.int64)
    summed = tf.raw_ops.SparseTensorDenseMatMul(
        a_indices=tf.stack([place, tf.range(count)], axis=1),
        a_values=tf.ones([count]),
        a_shape=[distinct, count],
        b=slices.values,
    )
    return tf.IndexedSlices(summed, rows, slices.dense_shape)


def _scaled(gradient: tf.Tensor | tf.IndexedSlices, factor: Any) -> tf.Tensor | tf.IndexedSlices:
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(gradient.values * factor, gradient.indices, gradient.dense_shape)
    return gradient * factor


def check_frozen(pipeline: Pipeline, trainable: Mapping[str, tf.Variable]) -> None:
    """Refuses a `freeze_gradient` that leaves nothing to train; warns of patterns without effect.

    Raises:
      ConfigError: no variable is left.
    """
    path = "train_config.freeze_gradient"
    patterns = list(pipeline.config.train_config.freeze_gradient)
    for index, pattern in enumerate(patterns):
        if not matching(trainable, [pattern]):
            log.warning(
                "%s: %s: %r matches no variable; they have names such as %s",
                *(pipeline.place(f"{path}[{index}]"), path, pattern, ", ".join([*trainable][:3])),
            )
    if patterns and not trainable.keys() - matching(trainable, patterns):
        raise ConfigError(
            Problem(
                "freeze_gradient leaves no variable to train",
                pipeline.place(path),
                path=path,
                found=", ".join(map(repr, patterns)),
                remedy="freeze fewer variables; to use a model as it is, export it",
            )
        )
