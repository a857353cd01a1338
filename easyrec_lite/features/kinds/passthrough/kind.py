"""PassThroughFeature: the numbers of a column, unchanged."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.specs.feature import FEATURE_KINDS
from easyrec_lite.data.rows.values import Dense
from easyrec_lite.features import columns
from easyrec_lite.features.kinds.base import Columns, FeatureKind


@FEATURE_KINDS.implement("PassThroughFeature")
class PassThroughFeature(FeatureKind):
    """Column of `raw_input_dim` numbers → `Dense` [B, D], neither scaled nor bucketised."""

    def __call__(self, given: Columns) -> Dense:
        """Returns the row's numbers."""
        column = self.inputs(given)[0]
        return Dense(columns.vectors(self.feature, column, self.feature.config.separator))

    def cells(self, given: Columns) -> Iterator[columns.Met]:
        """Yields what the cells must be, and which rows' are."""
        column = self.inputs(given)[0]
        yield from columns.vector_cells(self.feature, column, self.feature.config.separator)
