"""IdFeature: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.feature import FEATURE_KINDS, FeatureKindSpec
from easyrec_lite.protos.messages import FeatureConfig


@FEATURE_KINDS.declare
class IdFeatureSpec(FeatureKindSpec):
    """One id a row."""

    name = "IdFeature"
    module = "kind"
    one_id = True

    def reads_ids(self, config: FeatureConfig) -> bool:
        """Returns True."""
        return True
