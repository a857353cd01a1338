"""The kinds of features: one file a `feature_type`."""

from __future__ import annotations

from easyrec_lite.features.kinds.base import Columns, FeatureKind
from easyrec_lite.features.kinds.combo import ComboFeature
from easyrec_lite.features.kinds.expr import ExprFeature
from easyrec_lite.features.kinds.id import IdFeature
from easyrec_lite.features.kinds.lookup import LookupFeature
from easyrec_lite.features.kinds.passthrough import PassThroughFeature
from easyrec_lite.features.kinds.raw import RawFeature
from easyrec_lite.features.kinds.sequence import SequenceFeature
from easyrec_lite.features.kinds.tag import TagFeature

__all__ = ["KINDS", "Columns", "FeatureKind"]

KINDS: dict[str, type[FeatureKind]] = {
    kind.__name__: kind
    for kind in (
        IdFeature,
        RawFeature,
        TagFeature,
        ComboFeature,
        LookupFeature,
        SequenceFeature,
        ExprFeature,
        PassThroughFeature,
    )
}
