"""A layer of one's own: a learnt gate for each field, as a lighter SENet."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from easyrec_lite import register_layer


@register_layer("FieldGate")
class FieldGate(keras.layers.Layer):
    """Computes `2·sigmoid(g_f) · v_f` for each of F fields, joined.

    List of F tensors [B, D_f] → [B, ΣD_f]. Where SENet reads the weights off the row, here they
    are the same for all rows: one number g_f a field.

    Args:
      start: what every g_f starts from; 0 leaves the fields as they are.
      name: the layer's name.
    """

    def __init__(self, start: float = 0.0, name: str | None = None):
        super().__init__(name=name)
        self._start = start

    def build(self, input_shape: Sequence[tuple[int | None, ...]]) -> None:
        """Makes the gates of F fields."""
        self._gates = self.add_weight(
            name="gates",
            shape=(len(input_shape),),
            initializer=keras.initializers.Constant(self._start),
        )
        self.built = True

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the gated fields, [B, ΣD_f]."""
        gates = tf.unstack(2 * tf.sigmoid(self._gates.value))
        return tf.concat([gate * field for gate, field in zip(gates, inputs, strict=True)], -1)
