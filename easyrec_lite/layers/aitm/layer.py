"""AITMTower: a vector that reads those of earlier tasks by attention."""

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


@LAYERS.implement("AITMTower")
class AITMTower(keras.layers.Layer):
    """Computes `Σ_j softmax_j(q_0 · k_j / √d) v_j`, with j over the own vector and earlier ones.

    List of the own vector [B, D] and those of earlier tasks [B, D_j] → [B, d]; a vector alone is
    returned as it is. Query, key and value are dense layers, of their own for each vector; earlier
    vectors, which have no query, go through one MLP before. From AITM (https://arxiv.org/abs/2105.08489).

    Args:
      project_dim: d; None or 0: D.
      transfer_mlp: arguments of the `MLP` on earlier vectors; None: none.
      stop_gradient: stop the gradient to earlier tasks.
      seed: source of the seeds of the initialisers.
      name: the layer's name.

    Example:
      >>> AITMTower(project_dim=4)([tf.ones([2, 8]), tf.ones([2, 3])]).shape.as_list()
      [2, 4]
    """

    def __init__(
        self,
        project_dim: int | None = None,
        transfer_mlp: Mapping[str, Any] | None = None,
        stop_gradient: bool = True,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._width, self._stop, self._seed = project_dim, stop_gradient, seed
        mlp_seed = derive_seed(seed, f"{self.name}/transfer")
        self._transfer = (
            None if transfer_mlp is None else MLP(**transfer_mlp, seed=mlp_seed, name="transfer")
        )
        self._transferred = (transfer_mlp or {"hidden_units": [0]})["hidden_units"][-1]
        self._query: keras.layers.Dense | None = None
        self._projections: list[list[keras.layers.Dense]] = []

    def build(self, input_shape: Any) -> None:
        """Creates the weights.

        Raises:
          ConfigError: the inputs are no vectors; or earlier ones differ in width before the MLP.
        """
        shapes = list(input_shape) if is_list(input_shape) else [input_shape]
        earlier = {shape[-1] for shape in shapes[1:]}
        if any(len(shape) != 2 for shape in shapes) or (self._transfer and len(earlier) > 1):
            raise refuse(self.name, "vectors [B, D], earlier ones of one width", input_shape)
        if self._transfer is not None and earlier:
            self._transfer.build((None, *earlier))
            shapes = [shapes[0], *[(None, self._transferred)] * (len(shapes) - 1)]
        units = self._width or shapes[0][-1]
        if is_list(input_shape):
            self._query = self._dense("query_0", units, shapes[0])
            self._projections = [
                [self._dense(f"{part}_{i}", units, shape) for part in ("key", "value")]
                for i, shape in enumerate(shapes)
            ]
        self.built = True

    def _dense(self, part: str, units: int, shape: tuple[int | None, ...]) -> keras.layers.Dense:
        start = initializer("glorot_uniform", self._seed, f"{self.name}/{part}")
        dense = keras.layers.Dense(units, kernel_initializer=start, name=part)
        dense.build(shape)
        return dense

    def call(self, inputs: tf.Tensor | Sequence[tf.Tensor], training: bool = False) -> tf.Tensor:
        """Returns the own vector after attention."""
        if self._query is None:
            return inputs
        vectors = [inputs[0], *(self._earlier(each, training) for each in inputs[1:])]
        pairs = list(zip(self._projections, vectors, strict=True))
        query = self._query(vectors[0])
        keys, values = (tf.stack([made[i](each) for made, each in pairs], axis=1) for i in (0, 1))
        scores = tf.einsum("bd,bjd->bj", query, keys) * float(query.shape[-1]) ** -0.5
        return tf.einsum("bj,bjd->bd", tf.nn.softmax(scores), values)

    def _earlier(self, vector: tf.Tensor, training: bool) -> tf.Tensor:
        vector = tf.stop_gradient(vector) if self._stop else vector
        return vector if self._transfer is None else self._transfer(vector, training=training)
