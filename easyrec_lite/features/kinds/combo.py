"""ComboFeature: a cross of two or more columns, hashed."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.data.rows.values import Bags, FeatureValue, Ids
from easyrec_lite.features import columns
from easyrec_lite.features.kinds.base import Columns, FeatureKind
from easyrec_lite.features.specs import FeatureSpec


class ComboFeature(FeatureKind):
    """Columns [B] → `Ids`, or `Bags` when an input is split first.

    With `combo_join_sep` the texts are joined with it and hashed as an IdFeature's. Without it the
    id is TensorFlow's hashed cross (`tf.sparse.cross_hashed`); an input with an entry in
    `combo_input_seps` is split there, and every combination of the pieces is crossed.
    """

    def __init__(self, spec: FeatureSpec):
        super().__init__(spec)
        given = spec.config.combo_input_seps
        if given and len(given) != len(spec.inputs):
            raise spec.error(
                "combo_input_seps does not fit the inputs",
                "combo_input_seps",
                expected=f"{len(spec.inputs)}, one an input; an empty text does not split",
                found=str(len(given)),
                remedy="add the missing ones",
            )
        self.separators = list(given) or [""] * len(spec.inputs)
        if spec.config.combo_join_sep and any(self.separators):
            raise spec.error(
                "combo_join_sep and combo_input_seps exclude each other",
                "combo_join_sep",
                remedy="remove one of them",
            )

    def __call__(self, given: Columns) -> FeatureValue:
        """Returns the ids of the crosses."""
        texts = [
            self._text(column, separator)
            for column, separator in zip(self.inputs(given), self.separators, strict=True)
        ]
        buckets = self.spec.config.hash_bucket_size
        if self.spec.config.combo_join_sep:
            joined = tf.strings.join(texts, self.spec.config.combo_join_sep)
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
            return columns.text(self.spec, columns.single(self.spec, column))
        cells = columns.pieces(column, separator)
        return cells.with_values(columns.text(self.spec, cells.values))
