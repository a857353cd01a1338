"""TagFeature: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.specs.feature import FEATURE_KINDS, ColumnCount, FeatureKindSpec
from easyrec_lite.protos.messages import FeatureConfig


@FEATURE_KINDS.declare
class TagFeatureSpec(FeatureKindSpec):
    """Any number of ids a row, with or without weights."""

    name = "TagFeature"
    module = "kind"
    columns = ColumnCount(1, 2, "one column, or two: tags and their weights")
    combiners = ("sum", "mean", "sqrtn")
    lists = True

    def reads_ids(self, config: FeatureConfig) -> bool:
        """Returns True."""
        return True

    def id_columns(self, feature: Feature) -> tuple[str, ...]:
        """Returns the column of tags; weights become no ids."""
        return feature.inputs[:1]

    def separators(self, config: FeatureConfig) -> list[str]:
        """Returns the fields with the texts by which cells are split."""
        return ["separator"]
