"""ExprFeature: a number computed from other columns."""

from __future__ import annotations

import tensorflow as tf

from easyrec_lite.config.expressions import compile_expression
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features import columns
from easyrec_lite.features.kinds.base import Columns, FeatureKind
from easyrec_lite.features.numbers import Numbers
from easyrec_lite.features.specs import FeatureSpec


class ExprFeature(FeatureKind):
    """Columns [B] as float64 → `expression` of them → a number, treated as a RawFeature's."""

    def __init__(self, spec: FeatureSpec):
        super().__init__(spec)
        text, path = spec.config.expression, f"{spec.path}.expression"
        self.expression = compile_expression(text, spec.inputs, spec.pipeline.place(path), path)
        self.numbers = Numbers(spec)

    def __call__(self, given: Columns) -> FeatureValue:
        """Returns the expression's value of each row."""
        arguments = [
            columns.numbers(self.spec, columns.single(self.spec, column), tf.float64)
            for column in self.inputs(given)
        ]
        result = tf.cast(self.expression(*arguments), tf.float32)
        return self.numbers.value(tf.broadcast_to(result, tf.shape(arguments[0]))[:, tf.newaxis])
