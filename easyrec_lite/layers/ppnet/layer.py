"""PPNet: dense layers, each scaled by a gate that reads other features of the row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.mlp.layer import MLP
from easyrec_lite.layers.ppnet.gate import GateNN
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.layers.shapes import is_list, refuse


@LAYERS.implement("PPNet")
class PPNet(keras.layers.Layer):
    """Computes an MLP whose layers are scaled by gates of features p: `x ← g_i([x_0, p]) · x`.

    List [x [B, D], p [B, P]] → [B, hidden_units[-1]]. `eager` scales the input of each layer,
    `lazy` the output of each. No gradient passes from the gates to x_0, the MLP's input. From
    PEPNet (https://arxiv.org/abs/2302.01115).

    Args:
      mlp: arguments of the `MLP`.
      gate_params: arguments of each `GateNN`; its `output_dim` is that of the first gate alone.
      mode: `eager` or `lazy`.
      full_gate_input: gates also read x_0.
      seed: source of the seeds of initialisers and dropout.
      name: the layer's name.

    Example:
      >>> PPNet({"hidden_units": [4]})([tf.ones([2, 8]), tf.ones([2, 3])]).shape.as_list()
      [2, 4]
    """

    def __init__(
        self,
        mlp: Mapping[str, Any],
        gate_params: Mapping[str, Any] | None = None,
        mode: str = "eager",
        full_gate_input: bool = True,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._lazy, self._full = mode.lower() == "lazy", full_gate_input
        self._params, self._seed = dict(gate_params or {}), seed
        self._first = self._params.pop("output_dim", None)
        self._dense = [
            MLP(**arguments, seed=derive_seed(seed, f"{self.name}/layer_{i}"), name=f"layer_{i}")
            for i, arguments in enumerate(_split(mlp))
        ]
        self._units = list(mlp["hidden_units"])
        self._gates: list[GateNN] = []

    @property
    def kernels(self) -> list[keras.Variable]:
        """The kernels of the MLP, which l2 regularisation acts on. Requires a built layer."""
        return [kernel for dense in self._dense for kernel in dense.kernels]

    def build(self, input_shape: Any) -> None:
        """Creates the weights.

        Raises:
          ConfigError: the inputs are not two vectors, or the first gate has another width.
        """
        if not is_list(input_shape) or [len(shape) for shape in input_shape] != [2, 2]:
            raise refuse(
                self.name, "two vectors: the MLP's input, and that of the gates", input_shape
            )
        width, extra = (shape[1] for shape in input_shape)
        if not self._lazy and self._first not in (None, 0, width):
            raise refuse(self.name, f"output_dim {width}, as the input, or none", self._first)
        scaled = self._units if self._lazy else [width, *self._units[:-1]]
        for i, units in enumerate(scaled):
            own = f"gate_{i + self._lazy}"
            own_seed = derive_seed(self._seed, f"{self.name}/{own}")
            self._gates.append(GateNN(units, **self._params, seed=own_seed, name=own))
            self._gates[-1].build((None, extra + width * self._full))
        for dense, units in zip(self._dense, [width, *self._units], strict=False):
            dense.build((None, units))
        self.built = True

    def call(self, inputs: Sequence[tf.Tensor], training: bool = False) -> tf.Tensor:
        """Returns the last layer's output."""
        x, personal = inputs
        if self._full:
            personal = tf.concat([tf.stop_gradient(x), personal], axis=-1)
        for dense, gate in zip(self._dense, self._gates, strict=True):
            factors = gate(personal, training=training)
            if self._lazy:
                x = dense(x, training=training) * factors
            else:
                x = dense(x * factors, training=training)
        return x


def _split(mlp: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the arguments of an `MLP` for each layer of `mlp` alone."""
    units = mlp["hidden_units"]
    ratios = list(mlp.get("dropout_ratio", []))
    ratios = ratios * len(units) if len(ratios) == 1 else ratios
    parts = []
    for i, width in enumerate(units):
        own = {**mlp, "hidden_units": [width], "dropout_ratio": ratios[i : i + 1]}
        if i < len(units) - 1:
            own["use_final_bn"] = mlp.get("use_bn", True)
            own["final_activation"] = mlp.get("activation", "relu")
            own["use_final_bias"] = mlp.get("use_bias", False)
        parts.append(own)
    return parts
