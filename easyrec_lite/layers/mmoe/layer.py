"""MMoE: experts, mixed by a gate for each task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.initializers import initializer
from easyrec_lite.layers.mlp.layer import MLP
from easyrec_lite.layers.seeds import derive_seed
from easyrec_lite.layers.shapes import is_list, refuse


@LAYERS.implement("MMoE")
class MMoE(keras.layers.Layer):
    """Computes `Σ_e softmax(W_t x + b_t)_e · expert_e(x)` for each task t.

    [B, D] → list of num_task tensors [B, hidden_units[-1]]. Without `expert_mlp` the input is a
    list: the outputs of the experts [B, E], then x. From "Modeling Task Relationships in Multi-task
    Learning with Multi-gate Mixture-of-Experts" (KDD 2018).

    Args:
      num_task: number of tasks.
      num_expert: number of experts.
      expert_mlp: arguments of each expert's `MLP`; None: the input holds their outputs.
      seed: source of the seeds of the initialisers.
      name: the layer's name.

    Example:
      >>> [each.shape.as_list() for each in MMoE(2, 3, {"hidden_units": [4]})(tf.ones([5, 8]))]
      [[5, 4], [5, 4]]
    """

    def __init__(
        self,
        num_task: int,
        num_expert: int,
        expert_mlp: Mapping[str, Any] | None = None,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._count = num_expert
        self._experts = []
        for name in [f"expert_{i}" for i in range(num_expert)] if expert_mlp else ():
            own_seed = derive_seed(seed, f"{self.name}/{name}")
            self._experts.append(MLP(**dict(expert_mlp or {}), seed=own_seed, name=name))
        self._gates = [
            keras.layers.Dense(
                num_expert,
                activation="softmax",
                kernel_initializer=initializer("glorot_uniform", seed, f"{self.name}/gate_{i}"),
                name=f"gate_{i}",
            )
            for i in range(num_task)
        ]

    @property
    def kernels(self) -> list[keras.Variable]:
        """The kernels of experts and gates. Requires a built layer."""
        experts = [kernel for expert in self._experts for kernel in expert.kernels]
        return experts + [gate.kernel for gate in self._gates]

    def build(self, input_shape: Any) -> None:
        """Creates the weights.

        Raises:
          ConfigError: the input is no vector; or, without `expert_mlp`, not a list of the experts'
            outputs of one width and a vector.
        """
        listed = is_list(input_shape)
        if listed == bool(self._experts) or (listed and len(input_shape) != self._count + 1):
            expected = "one vector [B, D]"
            if not self._experts:
                expected = f"{self._count} outputs of experts, then the input of the gates"
            raise refuse(self.name, expected, input_shape)
        if listed and len({shape[-1] for shape in input_shape[:-1]}) > 1:
            raise refuse(self.name, "experts of one width", input_shape)
        for layer in self._experts:
            layer.build(input_shape)
        for gate in self._gates:
            gate.build(input_shape[-1] if listed else input_shape)
        self.built = True

    def call(self, inputs: tf.Tensor | Sequence[tf.Tensor], training: bool = False) -> Any:
        """Returns the mixture of each task."""
        listed = isinstance(inputs, list | tuple)
        x = inputs[-1] if listed else inputs
        outputs = (
            list(inputs[:-1])
            if listed
            else [expert(inputs, training=training) for expert in self._experts]
        )
        stacked = tf.stack(outputs, axis=1)
        return [tf.reduce_sum(gate(x)[:, :, None] * stacked, axis=1) for gate in self._gates]
