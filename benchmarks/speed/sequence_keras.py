"""A Transformer over histories in plain Keras: `MultiHeadAttention`, `compile` and `fit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.speed.naive import prepared
from benchmarks.speed.sequence import padded, sizes
from benchmarks.speed.worker import Numbers, windows

RATE = 0.001


def job(arguments: dict[str, Any]) -> tuple[Numbers, Callable[[], Numbers]]:
    """Makes the model and its padded batches; a window fits for about `seconds`."""
    parts, batches = prepared(arguments)
    import keras
    import tensorflow as tf

    size = sizes(parts)
    model = _model(keras, tf, size)
    model.compile(
        optimizer=keras.optimizers.Adam(RATE),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        # Graphs of one compilation each would be needed for every length.
        jit_compile=False,
    )
    made = [_padded(batch, size["most"]) for batch in batches]
    shapes = tf.nest.map_structure(
        lambda array: tf.TensorSpec([None] * array.ndim, array.dtype), made[0]
    )
    data = tf.data.Dataset.from_generator(lambda: iter(made), output_signature=shapes)
    data = data.cache().repeat()
    rows = len(made[0][0])
    model(made[0][0])

    def fit(steps: int) -> None:
        model.fit(data, steps_per_epoch=steps, epochs=1, shuffle=False, verbose=0)

    fit(len(made))
    return {}, windows(fit, rows, arguments["seconds"], tried=2)


def _padded(batch: Any, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns inputs, targets and weights, [B, L] each; weights are 0 after the end."""
    inputs, targets, _ = padded(batch, most)
    return inputs, targets, (inputs > 0).astype(np.float32)


def _model(keras: Any, tf: Any, size: dict[str, Any]) -> Any:
    width, drop = size["width"], size["dropout"]

    class Block(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            norm = keras.layers.LayerNormalization
            self.before, self.between = norm(epsilon=1e-6), norm(epsilon=1e-6)
            self.attention = keras.layers.MultiHeadAttention(size["heads"], width // size["heads"])
            self.up = keras.layers.Dense(4 * width, activation="gelu")
            self.down = keras.layers.Dense(width)
            self.drop = keras.layers.Dropout(drop)

        def call(self, steps: Any, visible: Any, training: bool = False) -> Any:
            normed = self.before(steps)
            attended = self.attention(
                normed, normed, attention_mask=visible, use_causal_mask=True, training=training
            )
            steps += self.drop(attended, training=training)
            hidden = self.down(self.up(self.between(steps)))
            return steps + self.drop(hidden, training=training)

    class Encoder(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            # Padding, the start, then the items.
            self.table = keras.layers.Embedding(size["items"] + 2, width)
            self.places = keras.layers.Embedding(size["most"] + 1, width)
            self.blocks = [Block() for _ in range(size["layers"])]
            self.norm = keras.layers.LayerNormalization(epsilon=1e-6)
            self.drop = keras.layers.Dropout(drop)

        def call(self, ids: Any, training: bool = False) -> Any:
            steps = self.table(ids) + self.places(tf.range(tf.shape(ids)[1]))
            steps = self.drop(steps, training=training)
            for block in self.blocks:
                steps = block(steps, (ids > 0)[:, None, :], training=training)
            steps = self.norm(steps)
            return tf.matmul(steps, self.table.embeddings[2:], transpose_b=True)

    return Encoder()
