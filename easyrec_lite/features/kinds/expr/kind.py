"""ExprFeature: a number computed from other columns."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.specs.feature import FEATURE_KINDS
from easyrec_lite.config.expressions import compile_expression
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features import columns
from easyrec_lite.features.kinds.base import Columns, FeatureKind
from easyrec_lite.features.numbers import NumberTransform


@FEATURE_KINDS.implement("ExprFeature")
class ExprFeature(FeatureKind):
    """Columns [B] as float64 → `expression` of them → a number, treated as a RawFeature's."""

    def __init__(self, feature: Feature):
        super().__init__(feature)
        text, path = feature.config.expression, f"{feature.path}.expression"
        place = feature.pipeline.place(path)
        self.expression = compile_expression(text, feature.inputs, place, path)
        self.numbers = NumberTransform(feature)

    def __call__(self, given: Columns) -> FeatureValue:
        """Returns the expression's value of each row."""
        arguments = [
            columns.numbers(self.feature, columns.single(self.feature, column), tf.float64)
            for column in self.inputs(given)
        ]
        result = tf.cast(self.expression(*arguments), tf.float32)
        return self.numbers.value(tf.broadcast_to(result, tf.shape(arguments[0]))[:, tf.newaxis])

    def cells(self, given: Columns) -> Iterator[columns.Met]:
        """Yields what the cells must be, and which rows' are."""
        for name, column in zip(self.feature.inputs, self.inputs(given), strict=True):
            plain = columns.single(self.feature, column)
            yield from columns.number_cells(self.feature, plain, name, tf.float64)
