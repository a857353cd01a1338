"""Attention: dot-product or additive attention of one head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.layers.shapes import is_list, refuse


def attention_shapes(layer: str, input_shape: Any) -> list[tuple[int | None, ...]]:
    """Returns the shapes of query, value and key for those of [query, value, key?] or a tensor.

    Raises:
      ConfigError: not two or three inputs, or one of them is not [B, L, D].
    """
    shapes = list(input_shape) if is_list(input_shape) else [input_shape, input_shape]
    if len(shapes) not in (2, 3) or any(len(shape) < 3 for shape in shapes):
        expected = "[query, value] or [query, value, key], each [B, L, D]; or one [B, L, D]"
        raise refuse(layer, expected, input_shape)
    return [*shapes, shapes[1]][:3]


def attention_inputs(inputs: tf.Tensor | Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns query, value and key; the key defaults to the value, one tensor is all three."""
    parts = list(inputs) if isinstance(inputs, list | tuple) else [inputs, inputs]
    return [*parts, parts[1]][:3]


def attention_masks(mask: Any) -> list[tf.Tensor | None]:
    """Returns the masks of query, value and key for those of the layer's input, or for None."""
    return [None, None, None] if mask is None else attention_inputs(mask)


def for_each_query(masks: Sequence[tf.Tensor | None] | None, causal: bool) -> Any:
    """Returns the masks of query and value, the value's as [B, 1, L], for layers of Keras.

    Keras before 3.12 does not repeat a value's mask [B, L] for the steps of the query, unless the
    attention is causal.
    """
    if masks is None or causal or masks[1] is None:
        return masks
    return [masks[0], masks[1][:, tf.newaxis], *masks[2:]]


@LAYERS.implement("Attention")
class Attention(keras.layers.Layer):
    """Computes `softmax(Q Kᵀ) V`.

    List [Q, V] or [Q, V, K] of [B, L_q, D], [B, L, E], [B, L, D], or one tensor for all three →
    [B, L_q, E]; with scores a pair, the scores [B, L_q, L]. See `keras.layers.Attention`;
    https://arxiv.org/abs/1508.04025.

    Args:
      use_scale: learn a factor on the scores.
      scale_by_dim: divide the scores by √D.
      score_mode: `dot`, or `concat`: a learned factor times `Σ tanh(q + k)`.
      dropout: share of scores dropped in training.
      seed: seed of the dropout, and what other seeds derive from.
      return_attention_scores: give (output, scores).
      use_causal_mask: a step sees no later step.
      name: the layer's name.

    Example:
      >>> query, history = tf.ones([2, 1, 4]), tf.ones([2, 5, 4])
      >>> Attention(scale_by_dim=True)([query, history]).shape.as_list()
      [2, 1, 4]
    """

    def __init__(
        self,
        use_scale: bool = False,
        scale_by_dim: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int = 0,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.supports_masking = True
        self._attention = keras.layers.Attention(
            use_scale=use_scale,
            score_mode=score_mode,
            dropout=dropout,
            seed=derive_seed(seed, self.name),
            name="attention",
        )
        self._scale_by_dim = scale_by_dim
        self._options = {
            "return_attention_scores": return_attention_scores,
            "use_causal_mask": use_causal_mask,
        }

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """Returns None: the caller knows which steps of the query are real."""

    def build(self, input_shape: Any) -> None:
        """Creates the weights, if there are any."""
        self._attention.build(attention_shapes(self.name, input_shape))
        self.built = True

    def call(
        self, inputs: tf.Tensor | Sequence[tf.Tensor], training: bool = False, mask: Any = None
    ) -> Any:
        """Returns the output, or (output, scores).

        Args:
          inputs: as above.
          training: whether scores are dropped.
          mask: boolean [B, L] of the real steps of each input, or None for an input without
            padding; None for all of them.
        """
        query, value, key = attention_inputs(inputs)
        if self._scale_by_dim:
            query *= float(query.shape[-1]) ** -0.5
        masks = attention_masks(mask)[:2]
        given = masks if any(each is not None for each in masks) else None
        given = for_each_query(given, self._options["use_causal_mask"])
        return self._attention([query, value, key], mask=given, training=training, **self._options)
