"""MaskNet: mask blocks side by side, or one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.mask_net.block import MaskBlock
from easyrec_lite.layers.mlp.layer import MLP
from easyrec_lite.layers.seeds import derive_seed


@LAYERS.implement("MaskNet")
class MaskNet(keras.layers.Layer):
    """Mask blocks over e [B, D], masked by e → [B, Σ output_size], or the last block's output.

    Parallel: the blocks' outputs for `[LN(e), e]`, joined. Serial: `x ← block([x, e])` from
    `x = LN(e)`. Then an MLP. From MaskNet (https://arxiv.org/abs/2102.07619).

    Args:
      mask_blocks: arguments of each `MaskBlock`.
      use_parallel: whether the blocks stand side by side.
      mlp: arguments of `MLP`; None: no MLP.
      input_layer_norm: normalise e (layer norm) before the first block.
      seed: source of the seeds of the parts.
      name: the layer's name.

    Example:
      >>> blocks = [{"aggregation_size": 16, "output_size": 8}] * 2
      >>> MaskNet(blocks)(tf.ones([2, 12])).shape.as_list()
      [2, 16]
    """

    def __init__(
        self,
        mask_blocks: Sequence[Mapping[str, Any]],
        use_parallel: bool = True,
        mlp: Mapping[str, Any] | None = None,
        input_layer_norm: bool = True,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._parallel = use_parallel
        self._blocks = [
            MaskBlock(**block, seed=derive_seed(seed, f"{self.name}/{i}"), name=f"block_{i}")
            for i, block in enumerate(mask_blocks)
        ]
        self._norm = keras.layers.LayerNormalization(name="norm") if input_layer_norm else None
        mlp_seed = derive_seed(seed, f"{self.name}/mlp")
        self._mlp = None if mlp is None else MLP(**mlp, seed=mlp_seed, name="mlp")

    @property
    def kernels(self) -> list[keras.Variable]:
        """The parts' kernels. Requires a built layer."""
        kernels = [kernel for block in self._blocks for kernel in block.kernels]
        return kernels + ([] if self._mlp is None else self._mlp.kernels)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the parts' weights for e [B, D]."""
        shape = width = (None, input_shape[-1])
        if self._norm is not None:
            self._norm.build(shape)
        widths = []
        for block in self._blocks:
            block.build([width, shape])
            widths.append(block.output_width)
            width = shape if self._parallel else (None, block.output_width)
        if self._mlp is not None:
            self._mlp.build((None, sum(widths) if self._parallel else widths[-1]))
        self.built = True

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the blocks' output, through the MLP if there is one."""
        x = inputs if self._norm is None else self._norm(inputs)
        if self._parallel:
            x = tf.concat([block([x, inputs]) for block in self._blocks], axis=-1)
        else:
            for block in self._blocks:
                x = block([x, inputs])
        return x if self._mlp is None else self._mlp(x, training=training)
