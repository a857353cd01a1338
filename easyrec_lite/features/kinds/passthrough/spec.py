"""PassThroughFeature: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.feature import FEATURE_KINDS, FeatureKindSpec
from easyrec_lite.protos.messages import FeatureConfig


@FEATURE_KINDS.declare
class PassThroughFeatureSpec(FeatureKindSpec):
    """The numbers of a column, unchanged."""

    name = "PassThroughFeature"
    module = "kind"

    def reads_vector(self, config: FeatureConfig) -> bool:
        """Returns whether it reads several numbers."""
        return config.raw_input_dim > 1
