"""LookupFeature: the values for the row's key in the row's map."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.specs.feature import FEATURE_KINDS
from easyrec_lite.data.rows.values import Bags
from easyrec_lite.features import columns
from easyrec_lite.features.ids import id_source
from easyrec_lite.features.kinds.base import Columns, FeatureKind


@FEATURE_KINDS.implement("LookupFeature")
class LookupFeature(FeatureKind):
    """Columns key [B] and map [B] (`k1:v1|k2:v2`) → `Bags` of the values whose key matches.

    Map entries are cut by `separator` and `kv_separator` (`:` when unset); at most
    `lookup_max_sel_elem_num` values a row, the first ones.
    """

    def __init__(self, feature: Feature):
        super().__init__(feature)
        self.source = id_source(feature)

    def __call__(self, given: Columns) -> Bags:
        """Returns the ids of the values for the key."""
        values = self._values(given, self._entries(given))
        return Bags(values.with_values(self.source.of_pieces(values.values)))

    def cells(self, given: Columns) -> Iterator[columns.Met]:
        """Yields what the cells must be, and which rows' are."""
        entries = self._entries(given)
        readable, (message, met) = columns.readable_pairs(self.feature, entries.values)
        yield message, columns.by_row(entries, met)
        values = self._values(given, entries.with_values(readable))
        for message, met in self.source.cells(values.values):
            yield message, columns.by_row(values, met)

    def unknown(self, given: Columns) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the values [N] for the keys, and which are unknown or out of range, bool [N]."""
        values = self._values(given, self._entries(given)).values
        return values, self.source.unknown(values)

    def _entries(self, given: Columns) -> tf.RaggedTensor:
        return columns.pieces(self.inputs(given)[1], self.feature.config.separator)

    def _values(self, given: Columns, entries: tf.RaggedTensor) -> tf.RaggedTensor:
        wanted = columns.text(self.feature, columns.single(self.feature, self.inputs(given)[0]))
        keys, values = columns.pairs(self.feature, entries.values)
        matches = (keys == tf.gather(wanted, entries.value_rowids())) & (values != "")
        kept = columns.keep(entries.with_values(values), matches)
        return columns.truncate(kept, self.feature.config.lookup_max_sel_elem_num)
