"""RawFeature: numbers, scaled and optionally bucketised into ids."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.specs.feature import FEATURE_KINDS
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features import columns
from easyrec_lite.features.kinds.base import Columns, FeatureKind
from easyrec_lite.features.numbers import NumberTransform


@FEATURE_KINDS.implement("RawFeature")
class RawFeature(FeatureKind):
    """Column of numbers → `Dense` [B, D] or, bucketised, `Ids` (D = 1) or `Bags`.

    A text cell holds `raw_input_dim` numbers joined by `separator`; with `seq_multi_sep` it holds
    several such vectors, pooled by `combiner`. An empty cell is zeros.
    """

    def __init__(self, feature: Feature):
        super().__init__(feature)
        self.numbers = NumberTransform(feature)

    def __call__(self, given: Columns) -> FeatureValue:
        """Returns the row's numbers, or their buckets."""
        column = self.inputs(given)[0]
        if self.feature.config.seq_multi_sep:
            return self.numbers.value(self._pooled(column))
        return self.numbers.value(
            columns.vectors(self.feature, column, self.feature.config.separator)
        )

    def cells(self, given: Columns) -> Iterator[columns.Met]:
        """Yields what the cells must be, and which rows' are."""
        column, separator = self.inputs(given)[0], self.feature.config.separator
        if not self.feature.config.seq_multi_sep:
            yield from columns.vector_cells(self.feature, column, separator)
            return
        cells = columns.pieces(column, self.feature.config.seq_multi_sep)
        for message, met in columns.vector_cells(self.feature, cells.values, separator):
            yield message, columns.by_row(cells, met)

    def _pooled(self, column: columns.Column) -> tf.Tensor:
        cells = columns.pieces(column, self.feature.config.seq_multi_sep)
        each = columns.vectors(self.feature, cells.values, self.feature.config.separator)
        rows, count = cells.value_rowids(), cells.nrows()
        if self.feature.config.combiner == "mean":
            return tf.math.unsorted_segment_mean(each, rows, count)
        if self.feature.config.combiner == "sum":
            return tf.math.unsorted_segment_sum(each, rows, count)
        largest = self.feature.config.combiner == "max"
        segment = tf.math.unsorted_segment_max if largest else tf.math.unsorted_segment_min
        empty = (cells.row_lengths() == 0)[:, tf.newaxis]
        return tf.where(empty, 0.0, segment(each, rows, count))
