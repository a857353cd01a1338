"""Layers of Keras over steps, with a mask of the real ones; a row without steps gives 0."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.layers.attention.layer import for_each_query


class GlobalAveragePooling1D(keras.layers.GlobalAveragePooling1D):
    """Computes the mean over the steps that the mask leaves: [B, L, D] → [B, D]."""

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """Returns None: the result has no steps."""

    def call(self, inputs: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the means; 0 for a row without steps."""
        if mask is None or self.data_format != "channels_last":
            return super().call(inputs)
        real = tf.cast(mask, inputs.dtype)[:, :, None]
        total = tf.reduce_sum(inputs * real, axis=1, keepdims=self.keepdims)
        return tf.math.divide_no_nan(total, tf.reduce_sum(real, axis=1, keepdims=self.keepdims))


class GlobalMaxPooling1D(keras.layers.GlobalMaxPooling1D):
    """Computes the maximum over the steps that the mask leaves: [B, L, D] → [B, D]."""

    supports_masking = True

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """Returns None: the result has no steps."""

    def call(self, inputs: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the maxima; 0 for a row without steps."""
        if mask is None or self.data_format != "channels_last":
            return super().call(inputs)
        real = mask[:, :, None]
        largest = super().call(tf.where(real, inputs, inputs.dtype.min))
        some = tf.reduce_any(real, axis=1, keepdims=self.keepdims)
        return tf.where(some, largest, tf.zeros([], inputs.dtype))


class Softmax(keras.layers.Softmax):
    """Computes the softmax over the steps that the mask [B, L] leaves, for inputs [B, L, …]."""

    def call(self, inputs: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the shares; all steps of a row without steps are equal."""
        if mask is not None:
            shape = tf.concat([tf.shape(mask), [1] * (inputs.shape.rank - 2)], axis=0)
            mask = tf.broadcast_to(tf.reshape(mask, shape), tf.shape(inputs))
        return super().call(inputs, mask=mask)


class AdditiveAttention(keras.layers.AdditiveAttention):
    """Computes `softmax(Σ_D tanh(q + k)) V` over the steps of the value that the mask leaves."""

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """Returns [B, L_q, D], or that and the scores [B, L_q, L]."""
        return super().call(
            inputs,
            mask=for_each_query(mask, use_causal_mask),
            training=training,
            return_attention_scores=return_attention_scores,
            use_causal_mask=use_causal_mask,
        )
