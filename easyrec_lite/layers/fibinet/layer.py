"""FiBiNet: SENet beside bilinear products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.bilinear.layer import BiLinear
from easyrec_lite.layers.mlp.layer import MLP
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.layers.senet.layer import SENet
from easyrec_lite.layers.shapes import field_widths, listed


@LAYERS.implement("FiBiNet")
class FiBiNet(keras.layers.Layer):
    """Joins SENet(fields) and BiLinear(fields), then applies an MLP.

    List of F tensors [B, D_f], or [B, F, D] → [B, hidden_units[-1]]; without MLP the joined parts
    [B, Σ D_f + num_output_units]. From FiBiNet++ (https://arxiv.org/abs/2209.05016), whose
    bilinear products are those of the fields as they enter.

    Args:
      senet: arguments of `SENet`.
      bilinear: arguments of `BiLinear`; None: no bilinear part.
      mlp: arguments of `MLP`; None: no MLP.
      seed: source of the seeds of the parts.
      name: the layer's name.

    Example:
      >>> layer = FiBiNet(senet={}, bilinear={"num_output_units": 3}, mlp={"hidden_units": [5]})
      >>> layer(tf.ones([2, 4, 8])).shape.as_list()
      [2, 5]
    """

    def __init__(
        self,
        senet: Mapping[str, Any],
        bilinear: Mapping[str, Any] | None = None,
        mlp: Mapping[str, Any] | None = None,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._seed = seed
        self._senet = SENet(**senet, seed=self._part_seed("senet"), name="senet")
        self._bilinear = (
            None
            if bilinear is None
            else BiLinear(**bilinear, seed=self._part_seed("bilinear"), name="bilinear")
        )
        self._mlp = None if mlp is None else MLP(**mlp, seed=self._part_seed("mlp"), name="mlp")

    @property
    def field_weighting(self) -> SENet:
        """The part whose factors are reported."""
        return self._senet

    def _part_seed(self, part: str) -> int:
        return derive_seed(self._seed, f"{self.name}/{part}")

    @property
    def kernels(self) -> list[keras.Variable]:
        """The parts' kernels. Requires a built layer."""
        parts = [part for part in (self._senet, self._bilinear, self._mlp) if part is not None]
        return [kernel for part in parts for kernel in part.kernels]

    def build(self, input_shape: Any) -> None:
        """Creates the parts' weights."""
        widths = field_widths(self.name, input_shape)
        shapes = [(None, width) for width in widths]
        self._senet.build(shapes)
        width = sum(widths)
        if self._bilinear is not None:
            self._bilinear.build(shapes)
            width += self._bilinear.output_width
        if self._mlp is not None:
            self._mlp.build((None, width))
        self.built = True

    def call(self, inputs: tf.Tensor | Sequence[tf.Tensor], training: bool = False) -> tf.Tensor:
        """Returns the joined parts, through the MLP if there is one."""
        fields = listed(inputs)
        output = self._senet(fields)
        if self._bilinear is not None:
            output = tf.concat([output, self._bilinear(fields)], axis=-1)
        return output if self._mlp is None else self._mlp(output, training=training)
