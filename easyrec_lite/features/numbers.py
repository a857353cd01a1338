"""Scaling, normalisation and bucketising of a feature's numbers."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.features import Feature
from easyrec_lite.config.expressions import compile_function
from easyrec_lite.data.rows.values import Bags, Dense, FeatureValue, Ids


class NumberTransform:
    """Numbers float32 [N, D] → scaled by `min_val` and `max_val`, normalised, bucketised.

    Scaling maps [min_val, max_val] to [0, 1] without clipping; `boundaries` and `num_buckets` apply
    to the result. A bucket includes its lower limit. With D > 1 each of the D numbers has
    its own range of ids: number d in bucket b has the id d · buckets + b.

    Args:
      feature: the feature.
    """

    def __init__(self, feature: Feature):
        self.feature = feature
        self.boundaries = list(feature.boundaries)
        self.bucketised = feature.bucketised
        self._normalise = tf.identity
        if feature.config.normalizer_fn:
            path = f"{feature.path}.normalizer_fn"
            place = feature.pipeline.place(path)
            self._normalise = compile_function(feature.config.normalizer_fn, place, path)

    def scaled(self, values: tf.Tensor) -> tf.Tensor:
        """Returns the numbers float32 [N, D] scaled and normalised."""
        low, high = self.feature.config.min_val, self.feature.config.max_val
        if high > low:
            values = (values - low) / (high - low)
        return tf.ensure_shape(tf.cast(self._normalise(values), tf.float32), values.shape)

    def buckets(self, values: tf.Tensor) -> tf.Tensor:
        """Returns the ids int64 [N, D] of the numbers float32 [N, D]."""
        buckets = tf.raw_ops.Bucketize(input=self.scaled(values), boundaries=self.boundaries)
        offsets = tf.range(values.shape[1], dtype=tf.int64) * (len(self.boundaries) + 1)
        return tf.cast(buckets, tf.int64) + offsets

    def value(self, values: tf.Tensor) -> FeatureValue:
        """Returns the value of a feature whose rows are float32 [B, D]."""
        if not self.bucketised:
            return Dense(self.scaled(values))
        ids = self.buckets(values)
        return Ids(ids[:, 0]) if ids.shape[1] == 1 else Bags(tf.RaggedTensor.from_tensor(ids))
