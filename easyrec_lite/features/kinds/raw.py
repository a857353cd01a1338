"""RawFeature: numbers, scaled, bucketised into ids, or as they are."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features import columns
from easyrec_lite.features.kinds.base import Columns, FeatureKind
from easyrec_lite.features.numbers import Numbers
from easyrec_lite.features.specs import FeatureSpec


class RawFeature(FeatureKind):
    """Column of numbers → `Dense` [B, D] or, bucketised, `Ids` (D = 1) or `Bags`.

    A text cell holds `raw_input_dim` numbers joined by `separator`; with `seq_multi_sep` it holds
    several such vectors, pooled by `combiner`. An empty cell is zeros.
    """

    def __init__(self, spec: FeatureSpec):
        super().__init__(spec)
        self.numbers = Numbers(spec)

    def __call__(self, given: Columns) -> FeatureValue:
        """Returns the row's numbers, or their buckets."""
        column = self.inputs(given)[0]
        if self.spec.config.seq_multi_sep:
            return self.numbers.value(self._pooled(column))
        return self.numbers.value(columns.vectors(self.spec, column, self.spec.config.separator))

    def _pooled(self, column: columns.Column) -> tf.Tensor:
        cells = columns.pieces(column, self.spec.config.seq_multi_sep)
        each = columns.vectors(self.spec, cells.values, self.spec.config.separator)
        rows, count = cells.value_rowids(), cells.nrows()
        if self.spec.config.combiner == "mean":
            return tf.math.unsorted_segment_mean(each, rows, count)
        if self.spec.config.combiner == "sum":
            return tf.math.unsorted_segment_sum(each, rows, count)
        largest = self.spec.config.combiner == "max"
        segment = tf.math.unsorted_segment_max if largest else tf.math.unsorted_segment_min
        empty = (cells.row_lengths() == 0)[:, tf.newaxis]
        return tf.where(empty, 0.0, segment(each, rows, count))
