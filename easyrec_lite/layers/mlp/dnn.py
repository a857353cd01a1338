"""The DNN of EasyRec's `DNN` message: dense layers with batch norm and dropout."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.layers.activations import activation
from easyrec_lite.layers.batch_norm import BatchNorm
from easyrec_lite.layers.initializers import initializer
from easyrec_lite.layers.seeds import derive_seed


class DNN(keras.layers.Layer):
    """Computes `dense → batch norm → activation → dropout` for each of `hidden_units`.

    [B, D] → [B, hidden_units[-1]], float32. Kernels glorot-uniform, biases zero; batch norm with
    momentum 0.99 and epsilon 1e-3.

    Args:
      hidden_units: the layers' widths.
      activation_name: see `activation`.
      use_bn: whether there is batch norm.
      dropout_ratio: the share of units dropped in training, one a layer; empty for none.
      plain_last: whether the last layer is dense alone, as a tower's output is.
      seed: what initialisers and dropout derive theirs from.
      name: the layer's name, the first part of its variables'.

    Raises:
      ConfigError: dropout ratios are fewer than layers that drop, or outside [0, 1).
    """

    def __init__(
        self,
        hidden_units: Sequence[int],
        activation_name: str = "relu",
        use_bn: bool = True,
        dropout_ratio: Sequence[float] = (),
        plain_last: bool = False,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        inner = len(hidden_units) - int(plain_last)
        _check_ratios(dropout_ratio, inner, self.name)
        self._dense: list[keras.layers.Dense] = []
        self._after: list[list[keras.layers.Layer]] = []
        for i, units in enumerate(hidden_units):
            glorot = initializer("glorot_uniform", seed, f"{self.name}/dnn_{i}")
            self._dense.append(
                keras.layers.Dense(units, kernel_initializer=glorot, name=f"dnn_{i}")
            )
            after: list[keras.layers.Layer] = []
            if i < inner:
                if use_bn:
                    after.append(BatchNorm(name="bn"))
                after.append(activation(activation_name, "activation"))
                if dropout_ratio and dropout_ratio[i] > 0:
                    dropout_seed = derive_seed(seed, f"{self.name}/dropout_{i}")
                    after.append(keras.layers.Dropout(dropout_ratio[i], seed=dropout_seed))
            self._after.append(after)

    @property
    def kernels(self) -> list[keras.Variable]:
        """The kernels, which l2 regularisation acts on; of a built layer."""
        return [dense.kernel for dense in self._dense]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for inputs [B, D]."""
        width = input_shape[-1]
        for dense, after in zip(self._dense, self._after, strict=True):
            dense.build((None, width))
            width = dense.units
            with keras.name_scope(dense.name):
                for layer in after:
                    layer.build((None, width))
        self.built = True

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the last layer's output for inputs [B, D]."""
        for dense, after in zip(self._dense, self._after, strict=True):
            inputs = dense(inputs)
            for layer in after:
                inputs = layer(inputs, training=training)
        return inputs


def _check_ratios(ratios: Sequence[float], layers: int, name: str) -> None:
    if ratios and (len(ratios) < layers or not all(0 <= ratio < 1 for ratio in ratios)):
        raise ConfigError(
            Problem(
                message=f"{name}: dropout_ratio does not fit the {layers} layers that drop",
                expected=f"none, or {layers} numbers in [0, 1)",
                found=", ".join(f"{ratio:g}" for ratio in ratios),
            )
        )
