"""Causal encoders: the vector after a step depends on that step and those before it alone.

Sequences of R rows are kept flat, [P, D] for all P steps one after another, so that dense layers
cost what the real lengths do. Recurrence sees them padded at the end, [R, L, D] for the longest L,
attention in groups of rows of about the same length, each padded to its own longest: no step looks
at those after it, so that padding reaches no real step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from easyrec_lite.layers.attention.heads import join_heads, split_heads
from easyrec_lite.layers.seeds import derive_seed

EPSILON = 1e-6


# Groups of rows in which attention is computed.
GROUPS = 4


class Layout(NamedTuple):
    """Where the steps of R rows lie.

    Attributes:
      lengths: int64 [R], best in ascending order: groups are rows that stand side by side.
    """

    lengths: tf.Tensor

    @property
    def places(self) -> tf.Tensor:
        """The place of each step in its row, from 0, int64 [P]."""
        return tf.ragged.range(self.lengths).flat_values

    @property
    def rows(self) -> tf.Tensor:
        """The row of each step, int64 [P]."""
        return tf.repeat(tf.range(tf.size(self.lengths, tf.int64)), self.lengths)

    def padded(self, steps: tf.Tensor) -> tf.Tensor:
        """Returns steps [P, D] as [R, L, D], zeros after the end of a row."""
        ragged = tf.RaggedTensor.from_row_lengths(steps, self.lengths, validate=False)
        return ragged.to_tensor(shape=[None, None, steps.shape[-1]])

    def flat(self, padded: tf.Tensor) -> tf.Tensor:
        """Returns the steps [P, D] of what `padded` makes."""
        return tf.gather_nd(padded, tf.stack([self.rows, self.places], axis=1))

    def in_groups(self, layer: Callable[[tf.Tensor], tf.Tensor], steps: tf.Tensor) -> tf.Tensor:
        """Returns the steps [P, D'] of what `layer` makes of each group of rows, [R', L', D].

        Its result has the same rows and steps; L' is the longest of the group.
        """
        rows = tf.size(self.lengths, tf.int64)
        ends = tf.concat([[0], tf.cumsum(self.lengths)], axis=0)
        found = []
        for group in range(GROUPS):
            first, last = rows * group // GROUPS, rows * (group + 1) // GROUPS
            own = Layout(self.lengths[first:last])
            begin, end = tf.gather(ends, first), tf.gather(ends, last)
            found.append(own.flat(layer(own.padded(steps[begin:end]))))
        return tf.concat(found, axis=0)

    def last(self, steps: tf.Tensor) -> tf.Tensor:
        """Returns the last step of each row, [R, D]; a row has at least one."""
        return tf.gather(steps, tf.cumsum(self.lengths) - 1)


class AttentionLayer(keras.layers.Layer):
    """`x + attention(norm(x))`, then `x + dense layers(norm(x))`: a pre-norm Transformer layer.

    Source: Kang and McAuley, Self-Attentive Sequential Recommendation, ICDM 2018; the norm before
    each part as of Xiong et al., 2020; the gates of Borisyuk et al., From Features to Transformers,
    2025 (LiGR): with them a part adds `part(norm(x)) ⊙ sigmoid(x W + b)`.

    Args:
      heads: H, a divisor of D.
      units: of the dense layers' hidden layer.
      activation: its activation; `swiglu` for `silu(x W) · (x V)`.
      dropout, attention_dropout: shares dropped in training.
      gated: whether there are gates.
      seed: source of the seeds.
      name: the layer's name.
    """

    def __init__(
        self,
        heads: int,
        units: int,
        activation: str,
        dropout: float,
        attention_dropout: float,
        gated: bool,
        seed: int,
        name: str,
    ):
        super().__init__(name=name)
        self._heads, self._units, self._activation = heads, units, activation
        self._attention_norm, self._dense_norm = _norm("attention_norm"), _norm("dense_norm")
        self._drop = keras.layers.Dropout(dropout, seed=derive_seed(seed, f"{name}/drop"))
        self._drop_weights = keras.layers.Dropout(
            attention_dropout, seed=derive_seed(seed, f"{name}/drop_weights")
        )
        self._gated, self._seed = gated, seed

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Builds the parts for steps [P, D]."""
        width, units = int(shape[-1] or 0), self._units
        wide = 2 * units if self._activation == "swiglu" else units
        self._qkv = _dense(3 * width, width, "qkv", self._seed, self.name)
        self._out = _dense(width, width, "out", self._seed, self.name)
        self._up = _dense(wide, width, "up", self._seed, self.name)
        self._down = _dense(width, units, "down", self._seed, self.name)
        for norm in (self._attention_norm, self._dense_norm):
            norm.build((None, width))
        self._gates = {
            part: _dense(width, width, f"{part}_gate", self._seed, self.name)
            for part in (("attention", "dense") if self._gated else ())
        }
        self.built = True

    def call(self, steps: tf.Tensor, layout: Layout, training: bool) -> tf.Tensor:
        """Returns the steps [P, D] after the layer."""
        steps += self._added("attention", steps, self._attended(steps, layout, training), training)
        return steps + self._added("dense", steps, self._hidden(steps), training)

    def _added(self, part: str, steps: tf.Tensor, outputs: tf.Tensor, training: bool) -> tf.Tensor:
        """Returns what a part adds to the steps, [P, D]."""
        outputs = self._drop(outputs, training=training)
        return outputs * tf.sigmoid(self._gates[part](steps)) if self._gated else outputs

    def _attended(self, steps: tf.Tensor, layout: Layout, training: bool) -> tf.Tensor:
        def attended(qkv: tf.Tensor) -> tf.Tensor:
            query, key, value = (
                split_heads(part, self._heads) for part in tf.split(qkv, 3, axis=-1)
            )
            scores = tf.matmul(query, key, transpose_b=True) / query.shape[-1] ** 0.5
            ahead = _ahead(tf.shape(scores)[-1])
            weights = tf.nn.softmax(tf.where(ahead, scores.dtype.min, scores))
            return join_heads(tf.matmul(self._drop_weights(weights, training=training), value))

        return self._out(layout.in_groups(attended, self._qkv(self._attention_norm(steps))))

    def _hidden(self, steps: tf.Tensor) -> tf.Tensor:
        hidden = self._up(self._dense_norm(steps))
        if self._activation == "swiglu":
            gate, hidden = tf.split(hidden, 2, axis=-1)
            hidden *= tf.nn.silu(gate)
        else:
            hidden = keras.activations.get(self._activation)(hidden)
        return self._down(hidden)


class HSTULayer(keras.layers.Layer):
    """`x + W₂(norm(A V) ⊙ U)` with U, V, Q, K = silu(norm(x) W₁) and A = silu(Q Kᵀ + r) / n.

    r is a bias learnt for each distance between two steps and each head, n the most steps there
    are. Source: Zhai et al., Actions Speak Louder than Words, ICML 2024, without time.

    Args:
      heads: H, a divisor of D.
      most: n.
      dropout: share of outputs dropped in training.
      seed: source of the seeds.
      name: the layer's name.
    """

    def __init__(self, heads: int, most: int, dropout: float, seed: int, name: str):
        super().__init__(name=name)
        self._heads, self._most, self._seed = heads, most, seed
        self._norm, self._attended_norm = _norm("norm"), _norm("attended_norm")
        self._drop = keras.layers.Dropout(dropout, seed=derive_seed(seed, f"{name}/drop"))

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Builds the parts for steps [P, D]."""
        width = int(shape[-1] or 0)
        self._uvqk = _dense(4 * width, width, "uvqk", self._seed, self.name)
        self._out = _dense(width, width, "out", self._seed, self.name)
        for norm in (self._norm, self._attended_norm):
            norm.build((None, width))
        self._bias = self.add_weight((self._most, self._heads), "zeros", name="distance_bias")
        self.built = True

    def call(self, steps: tf.Tensor, layout: Layout, training: bool) -> tf.Tensor:
        """Returns the steps [P, D] after the layer."""
        uvqk = tf.nn.silu(self._uvqk(self._norm(steps)))
        gate, rest = tf.split(uvqk, [steps.shape[-1], 3 * steps.shape[-1]], axis=-1)
        attended = layout.in_groups(self._attended, rest)
        return steps + self._drop(
            self._out(self._attended_norm(attended) * gate), training=training
        )

    def _attended(self, parts: tf.Tensor) -> tf.Tensor:
        """Returns [R, L, D] of values, queries and keys, [R, L, 3 D]."""
        value, query, key = (split_heads(part, self._heads) for part in tf.split(parts, 3, axis=-1))
        scores = tf.matmul(query, key, transpose_b=True)
        places = tf.range(tf.shape(scores)[-1])
        distances = tf.maximum(places[:, None] - places[None, :], 0)
        bias = tf.gather(tf.convert_to_tensor(self._bias), distances)
        weights = tf.nn.silu(scores + tf.transpose(bias, [2, 0, 1])) / self._most
        weights = tf.where(_ahead(tf.size(places)), 0.0, weights)
        return join_heads(tf.matmul(weights, value))


class RecurrentLayer(keras.layers.Layer):
    """A GRU over each row.

    Source: Hidasi et al., Session-based Recommendations with Recurrent Neural Networks, ICLR 2016.

    Args:
      dropout: share of outputs dropped in training.
      seed: source of the seeds.
      name: the layer's name.
    """

    def __init__(self, dropout: float, seed: int, name: str):
        super().__init__(name=name)
        self._seed = seed
        self._drop = keras.layers.Dropout(dropout, seed=derive_seed(seed, f"{name}/drop"))

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Builds the GRU for steps [P, D]."""
        width = int(shape[-1] or 0)
        self._gru = keras.layers.GRU(
            width,
            return_sequences=True,
            kernel_initializer=_glorot(self._seed, f"{self.name}/kernel"),
            recurrent_initializer=keras.initializers.Orthogonal(
                seed=derive_seed(self._seed, f"{self.name}/recurrent")
            ),
            name="gru",
        )
        self._gru.build((None, None, width))
        self.built = True

    def call(self, steps: tf.Tensor, layout: Layout, training: bool) -> tf.Tensor:
        """Returns the steps [P, D] after the layer."""
        outputs = layout.flat(self._gru(layout.padded(steps), training=training))
        return self._drop(outputs, training=training)


def _norm(name: str) -> keras.layers.Layer:
    return keras.layers.LayerNormalization(epsilon=EPSILON, name=name)


def _glorot(seed: int, name: str) -> keras.initializers.Initializer:
    return keras.initializers.GlorotUniform(derive_seed(seed, name))


def _dense(units: int, inputs: int, name: str, seed: int, owner: str) -> keras.layers.Dense:
    start = _glorot(seed, f"{owner}/{name}")
    dense = keras.layers.Dense(units, kernel_initializer=start, name=name)
    dense.build((None, inputs))
    return dense


def _ahead(length: tf.Tensor) -> tf.Tensor:
    """Returns bool [L, L], true where the second step is after the first."""
    places = tf.range(length)
    return places[None, :] > places[:, None]
