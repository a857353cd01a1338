"""LookupFeature: the values for the row's key in the row's map."""

from __future__ import annotations

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
        values = self._values(given)
        return Bags(values.with_values(self.source.of_pieces(values.values)))

    def invalid(self, given: Columns) -> tf.Tensor:
        """Returns how many values for the key are unknown or out of range, int64 scalar."""
        return self.source.invalid(self._values(given).values)

    def _values(self, given: Columns) -> tf.RaggedTensor:
        key_column, map_column = self.inputs(given)
        wanted = columns.text(self.feature, columns.single(self.feature, key_column))
        entries = columns.pieces(map_column, self.feature.config.separator)
        keys, values = columns.pairs(self.feature, entries.values)
        matches = (keys == tf.gather(wanted, entries.value_rowids())) & (values != "")
        kept = columns.keep(entries.with_values(values), matches)
        return columns.truncate(kept, self.feature.config.lookup_max_sel_elem_num)
