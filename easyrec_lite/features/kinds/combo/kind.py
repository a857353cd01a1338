"""ComboFeature: a cross of two or more columns, hashed."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.specs.feature import FEATURE_KINDS
from easyrec_lite.data.rows.values import Bags, FeatureValue, Ids
from easyrec_lite.features import columns
from easyrec_lite.features.kinds.base import Columns, FeatureKind


@FEATURE_KINDS.implement("ComboFeature")
class ComboFeature(FeatureKind):
    """Columns [B] → `Ids`, or `Bags` when an input is split first.

    With `combo_join_sep` the texts are joined with it and hashed as an IdFeature's. Without it the
    id is TensorFlow's hashed cross (`tf.sparse.cross_hashed`); an input with an entry in
    `combo_input_seps` is split there, and every combination of the pieces is crossed.
    """

    def __init__(self, feature: Feature):
        super().__init__(feature)
        given = feature.config.combo_input_seps
        self.separators = list(given) or [""] * len(feature.inputs)

    def __call__(self, given: Columns) -> FeatureValue:
        """Returns the ids of the crosses."""
        texts = [
            self._text(column, separator)
            for column, separator in zip(self.inputs(given), self.separators, strict=True)
        ]
        buckets = self.feature.config.hash_bucket_size
        if self.feature.config.combo_join_sep:
            joined = tf.strings.join(texts, self.feature.config.combo_join_sep)
            return Ids(tf.strings.to_hash_bucket_fast(joined, buckets))
        if not any(self.separators):
            texts = [text[:, tf.newaxis] for text in texts]
            return Ids(tf.sparse.cross_hashed(texts, buckets).values)
        sparse = [
            text.to_sparse() if isinstance(text, tf.RaggedTensor) else text[:, tf.newaxis]
            for text in texts
        ]
        return Bags(tf.RaggedTensor.from_sparse(tf.sparse.cross_hashed(sparse, buckets)))

    def _text(self, column: columns.Column, separator: str) -> tf.Tensor | tf.RaggedTensor:
        if not separator:
            return columns.text(self.feature, columns.single(self.feature, column))
        cells = columns.pieces(column, separator)
        return cells.with_values(columns.text(self.feature, cells.values))
