"""DIN: the steps of a sequence, weighted by their similarity to a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.mlp.layer import MLP
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.layers.shapes import is_list, refuse

# What the last layer of the network is, whatever its message says, as in EasyRec.
_PLAIN_END = {"use_final_bn": False, "use_final_bias": True, "final_activation": "linear"}


@LAYERS.implement("DIN")
class DIN(keras.layers.Layer):
    """Computes `Σ_t w_t h_t`, with `w` the normalised scores of `MLP([q, h_t, q − h_t, q · h_t])`.

    List of steps h [B, L, D], lengths int [B] and target q [B, E], E ≤ D → [B, E], or with the
    target [B, E + D]. A narrower target is padded with zeros to D, and the sum cut to E. A row
    without steps gives zeros. From the Deep Interest Network (https://arxiv.org/abs/1706.06978).

    Args:
      attention_dnn: arguments of the `MLP` that scores; its last layer is a dense layer to 1.
      need_target_feature: join the target, padded to D, to the result.
      attention_normalizer: `softmax` over the steps; or `sigmoid` of score / √D.
      seed: source of the seeds of the initialisers.
      name: the layer's name.

    Example:
      >>> din = DIN(attention_dnn={"hidden_units": [8, 1]})
      >>> din([tf.ones([2, 5, 4]), tf.constant([5, 1]), tf.ones([2, 4])]).shape.as_list()
      [2, 8]
    """

    def __init__(
        self,
        attention_dnn: Mapping[str, Any],
        need_target_feature: bool = True,
        attention_normalizer: str = "softmax",
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._target = need_target_feature
        self._softmax = attention_normalizer.lower() == "softmax"
        own = "din_attention"
        mlp_seed = derive_seed(seed, f"{self.name}/{own}")
        self._score = MLP(**{**attention_dnn, **_PLAIN_END}, seed=mlp_seed, name=own)

    @property
    def kernels(self) -> list[keras.Variable]:
        """The kernels of the network. Requires a built layer."""
        return self._score.kernels

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """Returns None: the result has no steps."""

    def build(self, input_shape: Any) -> None:
        """Creates the weights for steps [B, L, D].

        Raises:
          ConfigError: there are other inputs than steps, lengths and a target of width D or less.
        """
        if not is_list(input_shape) or len(input_shape) != 3 or len(input_shape[0]) != 3:
            raise refuse(
                self.name, "[steps, lengths, target]: [B, L, D], [B] and [B, E]", input_shape
            )
        width, target = input_shape[0][2], input_shape[2][-1]
        if target > width:
            raise refuse(self.name, f"a target of width {width} or less", target)
        self._width, self._cut = width, target
        self._score.build((None, None, 4 * width))
        self.built = True

    def call(self, inputs: Sequence[tf.Tensor], training: bool = False, mask: Any = None) -> Any:
        """Returns the weighted steps, and the target.

        Args:
          inputs: steps, lengths and target.
          training: whether it is training.
          mask: list of the boolean [B, L] of the real steps and two more entries: batch norm then
            learns from these steps alone. None: it also learns from the padding.
        """
        steps, lengths, target = inputs
        target = tf.pad(target, [[0, 0], [0, self._width - self._cut]])
        query = tf.broadcast_to(target[:, None], tf.shape(steps))
        compared = tf.concat([query, steps, query - steps, query * steps], axis=-1)
        of_steps = None if mask is None else mask[0]
        scores = self._score(compared, training=training, mask=of_steps)
        real = tf.sequence_mask(lengths, tf.shape(steps)[1])[:, :, None]
        weights = self._normalized(tf.where(real, scores, scores.dtype.min))
        weights = tf.where(real, weights, tf.zeros([], weights.dtype))
        pooled = tf.reduce_sum(weights * steps[:, :, : self._cut], axis=1)
        return tf.concat([pooled, target], axis=-1) if self._target else pooled

    def _normalized(self, scores: tf.Tensor) -> tf.Tensor:
        if self._softmax:
            return tf.nn.softmax(scores, axis=1)
        return tf.sigmoid(scores * self._width**-0.5)
