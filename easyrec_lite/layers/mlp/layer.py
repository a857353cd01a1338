"""MLP: dense layers with batch norm, activation and dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.activations import activation as activation_layer
from easyrec_lite.layers.batch_norm import BatchNorm
from easyrec_lite.layers.initializers import initializer as make_initializer
from easyrec_lite.layers.seeds import derive_seed


@LAYERS.implement("MLP")
class MLP(keras.layers.Layer):
    """Computes `dense → batch norm → activation → dropout` for each of `hidden_units`.

    [..., D] → [..., hidden_units[-1]], float32. Batch norm has momentum 0.99 and epsilon 1e-3.

    Args:
      hidden_units: the layers' widths.
      dropout_ratio: share of units dropped in training, one a layer; one for all; or none.
      activation: name of every layer's activation but the last one's.
      use_bn: whether the layers but the last have batch norm.
      use_final_bn: whether the last one has.
      final_activation: name of the last layer's activation.
      use_bias: whether the layers but the last have a bias.
      initializer: name of the kernels' Keras initialiser.
      use_bn_after_activation: batch norm after the activation instead of before it.
      use_final_bias: whether the last layer has a bias.
      seed: source of the seeds of initialisers and dropout.
      name: the layer's name.

    Raises:
      ConfigError: an unknown name.

    Example:
      >>> mlp = MLP([8, 4], use_final_bn=False, final_activation="linear")
      >>> mlp(tf.ones([2, 3])).shape.as_list()
      [2, 4]
    """

    # Names of the dense layers, and the names from which the seeds of their dropout derive.
    _dense_name: ClassVar[str] = "layer_{}"
    _dropout_name: ClassVar[str] = "layer_{}"

    def __init__(
        self,
        hidden_units: Sequence[int],
        dropout_ratio: Sequence[float] = (),
        activation: str = "relu",
        use_bn: bool = True,
        use_final_bn: bool = True,
        final_activation: str = "relu",
        use_bias: bool = False,
        initializer: str = "he_uniform",
        use_bn_after_activation: bool = False,
        use_final_bias: bool = False,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.supports_masking = True
        ratios = list(dropout_ratio) * (len(hidden_units) if len(dropout_ratio) == 1 else 1)
        ratios = ratios or [0.0] * len(hidden_units)
        self._dense: list[keras.layers.Dense] = []
        self._after: list[list[keras.layers.Layer]] = []
        for i, units in enumerate(hidden_units):
            last = i == len(hidden_units) - 1
            own = self._dense_name.format(i)
            dense = keras.layers.Dense(
                units,
                use_bias=use_final_bias if last else use_bias,
                kernel_initializer=make_initializer(initializer, seed, f"{self.name}/{own}"),
                name=own,
            )
            after = [activation_layer(final_activation if last else activation, "activation")]
            if use_final_bn if last else use_bn:
                norm = BatchNorm(momentum=0.99, epsilon=1e-3, name="bn")
                after.insert(len(after) if use_bn_after_activation else 0, norm)
            if ratios[i] > 0:
                drop_seed = derive_seed(seed, f"{self.name}/{self._dropout_name.format(i)}")
                after.append(keras.layers.Dropout(ratios[i], seed=drop_seed))
            self._dense.append(dense)
            self._after.append(after)

    @property
    def kernels(self) -> list[keras.Variable]:
        """The kernels, which l2 regularisation acts on. Requires a built layer."""
        return [dense.kernel for dense in self._dense]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for inputs [..., D]."""
        shape = tuple(input_shape)
        for dense, after in zip(self._dense, self._after, strict=True):
            dense.build(shape)
            shape = (*shape[:-1], dense.units)
            with keras.name_scope(dense.name):
                for layer in after:
                    layer.build(shape)
        self.built = True

    def call(
        self, inputs: tf.Tensor, training: bool = False, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Returns the last layer's output for inputs [..., D].

        Args:
          inputs: the inputs.
          training: whether it is training.
          mask: boolean [...] of the real steps; batch norm learns from these alone.
        """
        for dense, after in zip(self._dense, self._after, strict=True):
            inputs = dense(inputs)
            for layer in after:
                options = {} if mask is None or not isinstance(layer, BatchNorm) else {"mask": mask}
                inputs = layer(inputs, training=training, **options)
        return inputs


class DNN(MLP):
    """The dense layers of a tower: an `MLP` with biases, whose last layer may be dense alone.

    [B, D] → [B, hidden_units[-1]], float32. Kernels glorot-uniform.

    Args:
      hidden_units: the layers' widths.
      activation: name of every layer's activation but the last one's.
      use_bn: whether the layers but the last have batch norm.
      dropout_ratio: share of units dropped in training, one for each layer but the last; or none.
      seed: source of the seeds of initialisers and dropout.
      name: the layer's name.
      plain_end: whether the last layer is dense alone; else it is as the others, and has a
        dropout ratio too.
    """

    _dense_name = "dnn_{}"
    _dropout_name = "dropout_{}"

    def __init__(
        self,
        hidden_units: Sequence[int],
        activation: str = "relu",
        use_bn: bool = True,
        dropout_ratio: Sequence[float] = (),
        seed: int = 0,
        name: str | None = None,
        plain_end: bool = True,
    ):
        dropping = len(hidden_units) - plain_end
        super().__init__(
            hidden_units,
            dropout_ratio=[*(dropout_ratio or [0.0] * dropping)[:dropping], *[0.0] * plain_end],
            activation=activation,
            use_bn=use_bn,
            use_final_bn=use_bn and not plain_end,
            final_activation="linear" if plain_end else activation,
            use_bias=True,
            initializer="glorot_uniform",
            use_final_bias=True,
            seed=seed,
            name=name,
        )
