"""NaryDisEmbedding: numbers to vectors by their digits in several bases."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from easyrec_lite.checks.specs.layer import LAYERS
from easyrec_lite.layers.numeric.base import NumericEmbedding
from easyrec_lite.layers.seeds import derive_seed

_LARGEST = 2**31 - 1


@LAYERS.implement("NaryDisEmbedding")
class NaryDisEmbedding(NumericEmbedding):
    """Sums, for each base, the vectors of a number's digits; then joins or sums over the bases.

    [B, F] → [B, F·D·R] (see `NumericEmbedding` for the other forms, there F·R vectors). A number
    is multiplied, rounded and held within ±(2³¹ − 1); its digits without leading zeros each have a
    learned vector by field, sign, position and value. After "Numerical Feature Representation with
    Hybrid N-ary Encoding" (CIKM 2022).

    Args:
      embedding_dim: D, of the result for one number.
      carries: the bases, each 2 or more.
      multiplier: factor before rounding.
      intra_ary_pooling: how a base's digits become one vector: sum or mean.
      inter_ary_pooling: how the bases' vectors become one: concat (each D / number of bases wide),
        sum or mean.
      num_replicas: R independent copies, whose vectors are all given.
      output_3d_tensor: give [B, F·R, D].
      output_tensor_list: give also the list of F·R tensors [B, D].
      seed: source of the seeds of the initialisers.
      name: the layer's name.

    Example:
      >>> NaryDisEmbedding(embedding_dim=4, carries=[2, 10])(tf.ones([2, 3])).shape.as_list()
      [2, 12]
    """

    def __init__(
        self,
        embedding_dim: int,
        carries: Sequence[int],
        multiplier: float = 1.0,
        intra_ary_pooling: str = "sum",
        inter_ary_pooling: str = "concat",
        num_replicas: int = 1,
        output_3d_tensor: bool = False,
        output_tensor_list: bool = False,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(embedding_dim, output_3d_tensor, output_tensor_list, seed, name)
        self._carries = list(carries)
        self._multiplier = multiplier
        self._intra, self._inter = intra_ary_pooling, inter_ary_pooling
        self._replicas = num_replicas

    def build_fields(self, fields: int) -> None:
        """Creates a table for each base: rows (field, sign, position, digit), R·d wide."""
        width = self._dim // (len(self._carries) if self._inter == "concat" else 1)
        self._tables = []
        for base in self._carries:
            name = f"digits_{base}"
            seed = derive_seed(self._seed, f"{self.name}/{name}")
            rows = fields * 2 * _positions(base) * base
            self._tables.append(
                self.add_weight(
                    name=name,
                    shape=(rows, self._replicas * width),
                    initializer=keras.initializers.RandomNormal(stddev=width**-0.5, seed=seed),
                )
            )

    def vectors(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns [B, F·R, D]."""
        scaled = tf.round(tf.cast(inputs, tf.float64) * self._multiplier)
        whole = tf.cast(tf.clip_by_value(scaled, -_LARGEST, _LARGEST), tf.int64)
        pooled = [
            self._pool_digits(whole, base, table)
            for base, table in zip(self._carries, self._tables, strict=True)
        ]
        if self._inter == "concat":
            joined = tf.concat(pooled, axis=-1)
        else:
            joined = tf.add_n(pooled) / (len(pooled) if self._inter == "mean" else 1)
        return tf.reshape(joined, [-1, inputs.shape[1] * self._replicas, self._dim])

    def _pool_digits(self, whole: tf.Tensor, base: int, table: tf.Tensor) -> tf.Tensor:
        """Returns [B, F, R, d]: the digits' vectors in `base`, summed or averaged.

        Digit k of a number is `|number| // base^k % base`; leading zeros are not used. A row of the
        table is found from field, sign, position and digit, in this order of significance.
        """
        positions = _positions(base)
        fields = whole.shape[1]
        # A digit is used when the number reaches its power; the last one always, as 0 has a digit
        # too.
        powers = tf.constant([base**k for k in range(positions)], tf.int64)
        size = tf.abs(whole)[:, :, None]
        used = tf.cast((size >= powers) | (powers == 1), table.dtype)[..., None]
        signed = (
            2 * tf.range(fields, dtype=tf.int64)[:, None] + tf.cast(whole < 0, tf.int64)[:, :, None]
        )
        rows = (signed * positions + tf.range(positions, dtype=tf.int64)) * base
        vectors = tf.gather(table, rows + size // powers % base) * used
        total = tf.reduce_sum(vectors, axis=2)
        if self._intra == "mean":
            total /= tf.reduce_sum(used, axis=2)
        return tf.reshape(total, [-1, fields, self._replicas, table.shape[1] // self._replicas])


def _positions(base: int) -> int:
    count, limit = 1, base
    while limit <= _LARGEST:
        count, limit = count + 1, limit * base
    return count
