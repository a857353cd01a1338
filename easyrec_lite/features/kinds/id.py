"""IdFeature: one id a row."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.data.rows.values import Ids
from easyrec_lite.features import columns
from easyrec_lite.features.ids import id_source
from easyrec_lite.features.kinds.base import Columns, FeatureKind
from easyrec_lite.features.specs import FeatureSpec


class IdFeature(FeatureKind):
    """Column [B] → `Ids`; an empty text has no id."""

    def __init__(self, spec: FeatureSpec):
        super().__init__(spec)
        self.source = id_source(spec)

    def __call__(self, given: Columns) -> Ids:
        """Returns one id a row."""
        return Ids(self.source(self._column(given)))

    def invalid(self, given: Columns) -> tf.Tensor:
        """Returns how many values are unknown or out of range, int64 scalar."""
        return self.source.invalid(self._column(given))

    def _column(self, given: Columns) -> tf.Tensor:
        return columns.single(self.spec, self.inputs(given)[0])
