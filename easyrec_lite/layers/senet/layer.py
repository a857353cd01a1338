"""SENet: fields weighted by their importance, learned from all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.core.errors import ConfigError, Problem
from easyrec_lite.layers.field_weighting import Watcher
from easyrec_lite.layers.initializers import initializer


@LAYERS.implement("SENet")
class SENet(keras.layers.Layer):
    """Reweights F field embeddings, list of [B, D_f] → [B, Σ D_f], float32.

    Squeeze: each field in G equal parts, the maximum and the mean of each part, all fields'
    together z [B, 2·G·F]. Excite: `w = relu(z W₁ + b₁) W₂ + b₂`, of width Σ D_f. The output is
    `w · concat(fields)`, plus `concat(fields)` with the skip connection, then layer norm (epsilon
    1e-3) if asked. From FiBiNET (https://arxiv.org/abs/1905.09433), with squeeze groups as in
    SENet+ (https://arxiv.org/abs/2209.05016).

    Args:
      reduction_ratio: W₁ narrows to `max(1, 2·G·F // reduction_ratio)`.
      num_squeeze_group: G.
      use_skip_connection: add the fields as they were.
      use_output_layer_norm: normalise the output.
      reduce_initializer: name of W₁'s Keras initialiser; W₂'s is glorot-normal.
      seed: source of the seeds of the initialisers.
      name: the layer's name.

    Attributes:
      widths: D_f of each field. Requires a built layer.

    Example:
      >>> fields = [tf.ones([2, 4]), tf.ones([2, 6])]
      >>> SENet()(fields).shape.as_list()
      [2, 10]
    """

    def __init__(
        self,
        reduction_ratio: int = 4,
        num_squeeze_group: int = 2,
        use_skip_connection: bool = True,
        use_output_layer_norm: bool = True,
        reduce_initializer: str = "he_normal",
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._reduction_ratio = reduction_ratio
        self._groups = num_squeeze_group
        self._skip = use_skip_connection
        self._norm = (
            keras.layers.LayerNormalization(epsilon=1e-3, name="norm")
            if use_output_layer_norm
            else None
        )
        self._reduce_initializer = reduce_initializer
        self._seed = seed
        self._watcher: Watcher | None = None

    @property
    def field_weighting(self) -> SENet:
        """The layer whose factors are reported: this one."""
        return self

    @property
    def kernels(self) -> list[keras.Variable]:
        """W₁, which l2 regularisation acts on. Requires a built layer."""
        return [self._reduce.kernel]

    def build(self, input_shape: Sequence[tuple[int | None, ...]]) -> None:
        """Creates the weights for F inputs [B, D_f].

        Raises:
          ConfigError: a D_f cannot be cut into G parts.
        """
        widths = [int(shape[-1] or 0) for shape in input_shape]
        self._check(widths)
        self.widths = tuple(widths)
        squeezed = 2 * self._groups * len(widths)
        self._reduce = keras.layers.Dense(
            max(1, squeezed // self._reduction_ratio),
            activation="relu",
            kernel_initializer=initializer(
                self._reduce_initializer, self._seed, f"{self.name}/reduce"
            ),
            name="reduce",
        )
        self._excite = keras.layers.Dense(
            sum(widths),
            kernel_initializer=initializer("glorot_normal", self._seed, f"{self.name}/excite"),
            name="excite",
        )
        self._reduce.build((None, squeezed))
        self._excite.build((None, self._reduce.units))
        if self._norm is not None:
            self._norm.build((None, sum(widths)))
        self.built = True

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the reweighted fields for a list of [B, D_f]."""
        fields = tf.concat(inputs, axis=-1)
        weights = self._excite(self._reduce(self.squeeze(inputs)))
        if self._watcher is not None:
            self._watcher(fields, weights + 1 if self._skip else weights)
        output = fields * weights
        if self._skip:
            output += fields
        return output if self._norm is None else self._norm(output)

    @contextmanager
    def watched(self, watcher: Watcher) -> Iterator[None]:
        """Calls `watcher` with the fields and their factors at each call within the block.

        Both are float32 [B, Σ D_f]; the factors are w, or 1 + w with the skip connection.
        """
        self._watcher = watcher
        try:
            yield
        finally:
            self._watcher = None

    def squeeze(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns z [B, 2·G·F]: for each field its parts' maxima, then their means."""
        summaries = []
        for field in inputs:
            parts = tf.reshape(field, [-1, self._groups, field.shape[-1] // self._groups])
            summaries += [tf.reduce_max(parts, axis=-1), tf.reduce_mean(parts, axis=-1)]
        return tf.concat(summaries, axis=-1)

    def _check(self, widths: Sequence[int]) -> None:
        if self._groups < 1 or any(width % self._groups for width in widths):
            raise ConfigError(
                Problem(
                    message=f"{self.name}: num_squeeze_group does not divide every embedding_dim",
                    expected=f"embedding dims that are multiples of {self._groups}",
                    found=", ".join(str(width) for width in widths),
                    remedy="change num_squeeze_group, or the embedding_dim of the group's features",
                )
            )
