"""IdFeature: one id a row."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.specs.feature import FEATURE_KINDS
from easyrec_lite.data.rows.values import Ids
from easyrec_lite.features import columns
from easyrec_lite.features.ids import id_source
from easyrec_lite.features.kinds.base import Columns, FeatureKind


@FEATURE_KINDS.implement("IdFeature")
class IdFeature(FeatureKind):
    """Column [B] → `Ids`; an empty text has no id."""

    def __init__(self, feature: Feature):
        super().__init__(feature)
        self.source = id_source(feature)

    def __call__(self, given: Columns) -> Ids:
        """Returns one id a row."""
        return Ids(self.source(self._column(given)))

    def cells(self, given: Columns) -> Iterator[columns.Met]:
        """Yields what the cells must be, and which rows' are."""
        yield from self.source.cells(self._column(given))

    def unknown(self, given: Columns) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the values [B], and which are unknown or out of range, bool [B]."""
        values = self._column(given)
        return values, self.source.unknown(values)

    def _column(self, given: Columns) -> tf.Tensor:
        return columns.single(self.feature, self.inputs(given)[0])
