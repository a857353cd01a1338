"""The forms in which a feature group enters a backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.layers.batch_norm import BatchNorm
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.layers.shapes import equal_width
from easyrec_lite.protos import messages


class InputLayer(keras.layers.Layer):
    """Normalises and drops fields, and returns them in the form that an `InputLayer` message sets.

    List of F tensors [B, D_f] → by default their concatenation [B, ΣD_f];
    `only_output_feature_list`: the list; `only_output_3d_tensor`: [B, F, D];
    `output_2d_tensor_and_feature_list`: [concatenation, list].

    Each field goes through batch norm (`do_batch_norm`), layer norm (`do_layer_norm`), dropout
    (`dropout_rate`) and the dropping of whole fields (`feature_dropout_rate`: the same fields for
    all rows of a batch, the others scaled by 1/(1 − rate)).

    Args:
      options: the message; read, never changed.
      seed: source of the seeds of the dropouts.
      name: the layer's name.
    """

    def __init__(self, options: messages.InputLayer, seed: int, name: str):
        super().__init__(name=name)
        self._options = options
        drop_seed = derive_seed(seed, f"{name}/dropout")
        field_seed = derive_seed(seed, f"{name}/feature_dropout")
        self._dropout, self._field_dropout = (
            keras.layers.Dropout(rate, seed=its_seed) if rate else None
            for rate, its_seed in (
                (options.dropout_rate, drop_seed),
                (options.feature_dropout_rate, field_seed),
            )
        )

    def build(self, input_shape: Sequence[tuple[int | None, ...]]) -> None:
        """Makes the norms of F fields [B, D_f].

        Raises:
          ConfigError: `only_output_3d_tensor`, but the fields differ in D.
        """
        if self._options.only_output_3d_tensor:
            equal_width(self.name, input_shape)
        self._norms: list[list[keras.layers.Layer]] = []
        for i, shape in enumerate(input_shape):
            norms: list[keras.layers.Layer] = []
            if self._options.do_batch_norm:
                norms.append(BatchNorm(name=f"bn_{i}"))
            if self._options.do_layer_norm:
                norms.append(keras.layers.LayerNormalization(name=f"norm_{i}"))
            for norm in norms:
                norm.build(shape)
            self._norms.append(norms)
        self.built = True

    def call(self, inputs: Sequence[tf.Tensor], training: bool = False) -> Any:
        """Returns the fields in the form asked for."""
        fields = self._treated(list(inputs), training)
        options = self._options
        if options.only_output_feature_list:
            return fields
        if options.only_output_3d_tensor:
            return tf.stack(fields, axis=1)
        joined = tf.concat(fields, axis=-1)
        return [joined, fields] if options.output_2d_tensor_and_feature_list else joined

    def _treated(self, fields: list[tf.Tensor], training: bool) -> list[tf.Tensor]:
        for i, norms in enumerate(self._norms):
            for norm in norms:
                fields[i] = norm(fields[i], training=training)
        if self._dropout is not None:
            fields = [self._dropout(field, training=training) for field in fields]
        if self._field_dropout is not None:
            kept = self._field_dropout(tf.ones([len(fields)]), training=training)
            fields = [field * kept[i] for i, field in enumerate(fields)]
        return fields
