"""AutoDisEmbedding: numbers to vectors by soft membership in learned bins."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.numeric.base import NumericEmbedding


@LAYERS.implement("AutoDisEmbedding")
class AutoDisEmbedding(NumericEmbedding):
    """Computes `softmax((h W_f + keep_prob · h) / temperature) M_f`, `h = leaky_relu(x_f w_f)`.

    [B, F] → [B, F·D] (see `NumericEmbedding` for the other forms). For each number f: w [H], W
    [H, H] and the bins' vectors M [H, D]. From AutoDis (https://arxiv.org/abs/2012.08986).

    Args:
      embedding_dim: D.
      num_bins: H.
      temperature: divisor of the logits; small values approach a single bin.
      keep_prob: factor of the skip connection.
      output_3d_tensor: give [B, F, D].
      output_tensor_list: give also the list of F tensors [B, D].
      seed: source of the seeds of the initialisers.
      name: the layer's name.

    Example:
      >>> layer = AutoDisEmbedding(embedding_dim=4, num_bins=8, temperature=0.1)
      >>> layer(tf.ones([2, 3])).shape.as_list()
      [2, 12]
    """

    def __init__(
        self,
        embedding_dim: int,
        num_bins: int,
        temperature: float,
        keep_prob: float = 0.8,
        output_3d_tensor: bool = False,
        output_tensor_list: bool = False,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(embedding_dim, output_3d_tensor, output_tensor_list, seed, name)
        self._bins = num_bins
        self._temperature = temperature
        self._keep = keep_prob

    def build_fields(self, fields: int) -> None:
        """Creates w, W and M for each number."""
        bins = self._bins
        self._scale = self.weight("scale", (fields, bins), "glorot_uniform")
        self._mix = self.weight("mix", (fields, bins, bins), "glorot_uniform")
        self._meta = self.weight("meta", (fields, bins, self._dim), "glorot_uniform")

    def vectors(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns [B, F, D]."""
        hidden = tf.nn.leaky_relu(inputs[:, :, None] * self._scale)
        logits = tf.einsum("bfh,fhk->bfk", hidden, self._mix) + self._keep * hidden
        shares = tf.nn.softmax(logits / self._temperature)
        return tf.einsum("bfk,fkd->bfd", shares, self._meta)
