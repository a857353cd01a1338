"""The listwise DSSM in plain Keras: `Embedding`, `Dense`, `compile` and `fit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.speed.naive import prepared, sides, values
from benchmarks.speed.worker import Numbers, windows

TEMPERATURE = 0.01
UNITS = (256, 128, 64)
WIDTH = 32
RATE = 0.004


def job(arguments: dict[str, Any]) -> tuple[Numbers, Callable[[], Numbers]]:
    """Makes the model and its padded batches; a window fits for about `seconds`."""
    parts, batches = prepared(arguments)
    import keras
    import tensorflow as tf

    model = _model(keras, tf, sides(parts))
    # Graphs of one compilation each would be needed for every length of the tags.
    model.compile(
        optimizer=keras.optimizers.Adam(RATE),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    made = [(_padded(parts, batch), _labels(batch)) for batch in batches]
    shapes = tf.nest.map_structure(
        lambda array: tf.TensorSpec([None, *[None] * (array.ndim - 1)], array.dtype), made[0]
    )
    data = tf.data.Dataset.from_generator(lambda: iter(made), output_signature=shapes)
    data = data.cache().repeat()
    rows = len(made[0][1])
    model(made[0][0])

    def fit(steps: int) -> None:
        model.fit(data, steps_per_epoch=steps, epochs=1, shuffle=False, verbose=0)

    fit(len(made))
    return {}, windows(fit, rows, arguments["seconds"], tried=2)


def _padded(parts: Any, batch: Any) -> dict[str, dict[str, np.ndarray]]:
    """Returns ids plus one, [R] or [R, L], 0 where there is none."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for side, features in values(parts, batch).items():
        found[side] = {}
        for name, given in features.items():
            if hasattr(given[0].ids, "to_tensor"):
                found[side][name] = given[0].ids.to_tensor(-1).numpy() + 1
            else:
                found[side][name] = np.concatenate([value.ids.numpy() for value in given]) + 1
    return found


def _labels(batch: Any) -> np.ndarray:
    return np.arange(len(next(iter(batch.labels.values()))))


def _model(keras: Any, tf: Any, features: dict[str, list[Any]]) -> Any:
    class Tower(keras.layers.Layer):
        def __init__(self, specs: list[Any]):
            super().__init__()
            self.tables = {
                spec.name: keras.layers.Embedding(spec.rows + 1, spec.dim) for spec in specs
            }
            self.hidden = keras.Sequential()
            for units in UNITS:
                self.hidden.add(keras.layers.Dense(units))
                self.hidden.add(keras.layers.BatchNormalization())
                self.hidden.add(keras.layers.ReLU())
            self.hidden.add(keras.layers.Dense(WIDTH))

        def call(self, inputs: Any, training: bool = False) -> Any:
            fields = []
            for name, table in self.tables.items():
                ids = inputs[name]
                vectors = table(ids) * tf.cast(ids > 0, tf.float32)[..., None]
                fields.append(tf.reduce_sum(vectors, axis=1) if len(ids.shape) == 2 else vectors)
            out = self.hidden(tf.concat(fields, axis=-1), training=training)
            return tf.math.l2_normalize(out, axis=-1)

    class Dssm(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.user, self.item = Tower(features["user"]), Tower(features["item"])

        def call(self, inputs: Any, training: bool = False) -> Any:
            user = self.user(inputs["user"], training=training)
            item = self.item(inputs["item"], training=training)
            return tf.matmul(user, item, transpose_b=True) / TEMPERATURE

    return Dssm()
