"""LookupFeature: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.feature import FEATURE_KINDS, ColumnCount, FeatureKindSpec
from easyrec_lite.protos.messages import FeatureConfig


@FEATURE_KINDS.declare
class LookupFeatureSpec(FeatureKindSpec):
    """The values for the row's key in the row's map."""

    name = "LookupFeature"
    module = "kind"
    columns = ColumnCount(2, 2, "two columns: a key and a map")
    combiners = ("sum", "mean", "sqrtn")

    def reads_ids(self, config: FeatureConfig) -> bool:
        """Returns True."""
        return True

    def separators(self, config: FeatureConfig) -> list[str]:
        """Returns the fields with the texts by which cells are split."""
        return ["separator"]

    def cell_separators(self, config: FeatureConfig, column: int) -> tuple[str, ...]:
        """Returns the separator of the map; a key is one value."""
        return super().cell_separators(config, column) if column == 1 else ()
