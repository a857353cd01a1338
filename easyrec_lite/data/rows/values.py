"""The values of features, which the transform gives to the embedding tables: one type a kind.

Each is a `NamedTuple`, so that batches of them pass through `tf.data` and `tf.function`.
Symbols: B rows, L pieces or steps in a row, D width.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class Ids(NamedTuple):
    """At most one id a row. `ids`: int64 [B], −1 where there is none (a zero vector)."""

    ids: tf.Tensor


class Bags(NamedTuple):
    """Any number of ids a row, to be pooled.

    `ids`: int64 ragged [B, (L)], all ≥ 0. `weights`: float32 ragged of the same rows, or None.
    """

    ids: tf.RaggedTensor
    weights: tf.RaggedTensor | None = None


class Dense(NamedTuple):
    """Numbers. `values`: float32 [B, D]."""

    values: tf.Tensor


class Steps(NamedTuple):
    """A sequence of ids. `ids`: int64 ragged [B, (L)], or [B, (L), (M)] when a step has several."""

    ids: tf.RaggedTensor


class DenseSteps(NamedTuple):
    """A sequence of number vectors. `values`: float32 ragged [B, (L), D]."""

    values: tf.RaggedTensor


FeatureValue = Ids | Bags | Dense | Steps | DenseSteps


def row_count(value: FeatureValue) -> tf.Tensor:
    """Returns how many rows a value has, int32 scalar."""
    first = value[0]
    return first.nrows(tf.int32) if isinstance(first, tf.RaggedTensor) else tf.shape(first)[0]


def row_lengths(value: FeatureValue) -> tf.Tensor:
    """Returns how many steps each row of a sequence has, int64 [B]."""
    return value[0].row_lengths()


def concat_rows(first: FeatureValue, second: FeatureValue) -> FeatureValue:
    """Returns a value with the rows of `first`, then those of `second`; both of one type."""
    return type(first)(
        *(
            None if a is None or b is None else tf.concat([a, b], axis=0)
            for a, b in zip(first, second, strict=True)
        )
    )
