"""One batch, as it goes from the input pipeline into a model."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from easyrec_lite.data.rows.values import FeatureValue, row_count


class Batch(NamedTuple):
    """B rows of data and n sampled items.

    Attributes:
      features: feature name → value of B rows.
      labels: label field → float32 [B].
      weights: float32 [B] sample weights, or None when the config names no `sample_weight`.
      extra: raw columns [B] (strings, numbers) that masks, metrics or distillation read.
      negatives: feature name → value of n sampled items; empty when the config has no sampler.
      negative_extra: raw columns [n] of the sampled items (the item id).
      hard_pairs: int64 [H, 2] of (row in B, sampled item in n), or None.
      frequencies: float32 [N], the share of training rows that hold the item of each candidate: the
        B rows', then the n sampled ones; None unless logQ counts or reads it.
      inclusions: float32 [N], the probability that the sampler draws the candidate's item for a
        batch without it; None without logQ.
      position: int64 [2], (epoch, rows of that epoch consumed once this batch is done).
    """

    features: dict[str, FeatureValue]
    labels: dict[str, tf.Tensor]
    weights: tf.Tensor | None = None
    extra: dict[str, tf.Tensor] = {}  # noqa: RUF012 - never changed in place
    negatives: dict[str, FeatureValue] = {}  # noqa: RUF012
    negative_extra: dict[str, tf.Tensor] = {}  # noqa: RUF012
    hard_pairs: tf.Tensor | None = None
    frequencies: tf.Tensor | None = None
    inclusions: tf.Tensor | None = None
    position: tf.Tensor | None = None

    @property
    def rows(self) -> tf.Tensor:
        """B, an int32 scalar; a listwise config may have no label to count."""
        if self.labels:
            return tf.shape(next(iter(self.labels.values())))[0]
        return row_count(next(iter(self.features.values())))

    @property
    def sampled(self) -> tf.Tensor:
        """The number n of sampled items, an int32 scalar."""
        for value in self.negatives.values():
            return row_count(value)
        return tf.constant(0)
