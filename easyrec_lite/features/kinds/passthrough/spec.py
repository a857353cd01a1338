"""PassThroughFeature: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.specs.feature import FEATURE_KINDS, FeatureKindSpec


@FEATURE_KINDS.declare
class PassThroughFeatureSpec(FeatureKindSpec):
    """The numbers of a column, unchanged."""

    name = "PassThroughFeature"
    module = "kind"
