"""TagFeature: any number of ids a row, with or without weights."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.specs.feature import FEATURE_KINDS
from easyrec_lite.data.rows.values import Bags
from easyrec_lite.features import columns
from easyrec_lite.features.ids import id_source
from easyrec_lite.features.kinds.base import Columns, FeatureKind

AS_MANY = "a row has as many weights as tags"


@FEATURE_KINDS.implement("TagFeature")
class TagFeature(FeatureKind):
    """Column of lists → `Bags`.

    A text is split at `separator`; empty pieces are dropped, repeated tags count each time.
    Weights stand behind `kv_separator` in each piece, or in a second column in the same order.
    """

    def __init__(self, feature: Feature):
        super().__init__(feature)
        self.source = id_source(feature)

    def __call__(self, given: Columns) -> Bags:
        """Returns the ids and weights of each row."""
        tags, weights = self._tags(given)
        return Bags(tags.with_values(self.source.of_pieces(tags.values)), weights)

    def cells(self, given: Columns) -> Iterator[columns.Met]:
        """Yields what the cells must be, and which rows' are."""
        separator = self.feature.config.separator
        tags, *more = (columns.pieces(column, separator) for column in self.inputs(given))
        names = tags.values
        if self.feature.config.kv_separator:
            entries, (message, met) = columns.readable_pairs(self.feature, tags.values)
            yield message, columns.by_row(tags, met)
            names, weights = columns.pairs(self.feature, entries)
            more = [tags.with_values(weights)]
        elif more:
            yield AS_MANY, tags.row_lengths() == more[0].row_lengths()
        for cells in more[:1]:
            for message, met in columns.number_cells(self.feature, cells.values, "each weight"):
                yield message, columns.by_row(cells, met)
        for message, met in self.source.cells(names):
            yield message, columns.by_row(tags, met)

    def unknown(self, given: Columns) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the tags [N], and which are unknown or out of range, bool [N]."""
        tags = self._tags(given)[0].values
        return tags, self.source.unknown(tags)

    def _tags(self, given: Columns) -> tuple[tf.RaggedTensor, tf.RaggedTensor | None]:
        separator = self.feature.config.separator
        cells, *more = (columns.pieces(column, separator) for column in self.inputs(given))
        if self.feature.config.kv_separator:
            return self._weighted_pieces(cells)
        if more:
            return cells, self._second_column(cells, more[0])
        return cells, None

    def _weighted_pieces(self, cells: tf.RaggedTensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        keys, weights = columns.pairs(self.feature, cells.values)
        named = keys != ""
        weighted = cells.with_values(columns.numbers(self.feature, weights))
        return columns.keep(cells.with_values(keys), named), columns.keep(weighted, named)

    def _second_column(self, tags: tf.RaggedTensor, cells: tf.RaggedTensor) -> tf.RaggedTensor:
        message = f"feature {self.feature.name!r}: {AS_MANY}"
        same = tf.debugging.assert_equal(tags.row_lengths(), cells.row_lengths(), message)
        with tf.control_dependencies([same]):
            return tags.with_values(columns.numbers(self.feature, cells.values))
