"""BiLinear: products of pairs of fields with a learned matrix between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.initializers import initializer
from easyrec_lite.layers.shapes import field_widths, listed, refuse


@LAYERS.implement("BiLinear", "Bilinear")
class BiLinear(keras.layers.Layer):
    """Computes `v_i W ∘ v_j` (or `⟨v_i W, v_j⟩`) for each pair i < j of F fields, then a dense.

    List of F tensors [B, D_f], or [B, F, D] → [B, num_output_units]. From FiBiNET
    (https://arxiv.org/abs/1905.09433); the inner product is FiBiNet++'s
    (https://arxiv.org/abs/2209.05016).

    Args:
      num_output_units: width of the dense layer on the joined products; 0 or None: no such layer.
      type: `all`: one W for all pairs; `each`: W_i for each field i; `interaction`: W_ij for each
        pair.
      use_plus: one number a pair, the inner product, instead of the D products.
      seed: source of the seeds of the initialisers (glorot-uniform).
      name: the layer's name.

    Attributes:
      output_width: width of the output. Requires a built layer.

    Example:
      >>> BiLinear(num_output_units=3)(tf.ones([2, 4, 8])).shape.as_list()
      [2, 3]
    """

    def __init__(
        self,
        num_output_units: int | None = None,
        type: str = "interaction",
        use_plus: bool = True,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._type = type.lower()
        self._use_plus = use_plus
        self._units = num_output_units
        self._seed = seed

    @property
    def kernels(self) -> list[keras.Variable]:
        """The pairs' matrices and the dense layer's kernel. Requires a built layer."""
        return [*self._matrices.values(), *([self._dense.kernel] if self._units else [])]

    def build(self, input_shape: Any) -> None:
        """Creates the matrices [D_i, D_j] for F ≥ 2 fields.

        Raises:
          ConfigError: one field only; or fields of different D for `all` and `each`.
        """
        widths = field_widths(self.name, input_shape)
        equal = len(set(widths)) == 1
        if len(widths) < 2 or not (equal or self._type == "interaction"):
            expected = "2 fields or more, of one embedding_dim unless type is interaction"
            raise refuse(self.name, expected, f"dims {widths}")
        self._pairs = list(combinations(range(len(widths)), 2))
        self._matrices: dict[str, keras.Variable] = {}
        for i, j in self._pairs:
            key = self._key(i, j)
            if key not in self._matrices:
                start = initializer("glorot_uniform", self._seed, f"{self.name}/{key}")
                self._matrices[key] = self.add_weight(
                    name=key, shape=(widths[i], widths[j]), initializer=start
                )
        self.output_width = sum(1 if self._use_plus else widths[j] for _, j in self._pairs)
        if self._units:
            self._build_dense(self.output_width)
            self.output_width = self._units
        self.built = True

    def _build_dense(self, width: int) -> None:
        start = initializer("glorot_uniform", self._seed, f"{self.name}/dense")
        self._dense = keras.layers.Dense(self._units, kernel_initializer=start, name="dense")
        self._dense.build((None, width))

    def _key(self, i: int, j: int) -> str:
        names = {"all": "kernel", "each": f"kernel_{i}", "interaction": f"kernel_{i}_{j}"}
        return names[self._type]

    def call(self, inputs: tf.Tensor | Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the joined products, through the dense layer if there is one."""
        # `v_i W` is computed once for each i and W, and used for all pairs (i, j) with that W.
        fields = listed(inputs)
        shared: dict[tuple[int, str], tf.Tensor] = {}
        products = []
        for i, j in self._pairs:
            key = self._key(i, j)
            if (i, key) not in shared:
                shared[i, key] = tf.matmul(fields[i], self._matrices[key])
            product = shared[i, key] * fields[j]
            if self._use_plus:
                product = tf.reduce_sum(product, axis=-1, keepdims=True)
            products.append(product)
        joined = tf.concat(products, axis=-1)
        return self._dense(joined) if self._units else joined
