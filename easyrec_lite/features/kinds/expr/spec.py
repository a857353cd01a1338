"""ExprFeature: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.made_up_rows import column_problems
from easyrec_lite.checks.specs.feature import FEATURE_KINDS, ColumnCount, FeatureKindSpec, Problems
from easyrec_lite.checks.view import View
from easyrec_lite.config.expressions import compile_expression
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.protos.messages import FeatureConfig


@FEATURE_KINDS.declare
class ExprFeatureSpec(FeatureKindSpec):
    """A number computed from other columns."""

    name = "ExprFeature"
    module = "kind"
    columns = ColumnCount(1, None, "one column or more")
    by_row = False

    def reads_numbers(self, config: FeatureConfig) -> bool:
        """Returns True."""
        return True

    def width(self, feature: Feature) -> int:
        """Returns the width of its vector; 1 without a table."""
        return feature.dim if feature.has_table else 1

    def check(self, view: View, feature: Feature) -> Problems:
        """There is an expression, and it reads the inputs."""
        yield from super().check(view, feature)
        text, path = feature.config.expression, f"{feature.path}.expression"
        if not text:
            yield view.error(
                feature.path,
                f"ExprFeature {feature.name!r} has no expression",
                remedy='set expression, e.g. "price > 10"',
            )
            return
        try:
            expression = compile_expression(text, feature.inputs, view.place(path), path)
            expression.require_number(broadcast=True)
        except ConfigError as error:
            yield from error.problems
            return
        yield from column_problems(view, path, expression, feature.inputs)
