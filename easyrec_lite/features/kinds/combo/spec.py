"""ComboFeature: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.specs.feature import FEATURE_KINDS, ColumnCount, FeatureKindSpec, Problems
from easyrec_lite.checks.view import View
from easyrec_lite.protos.messages import FeatureConfig


@FEATURE_KINDS.declare
class ComboFeatureSpec(FeatureKindSpec):
    """A cross of two or more columns, hashed."""

    name = "ComboFeature"
    module = "kind"
    columns = ColumnCount(2, None, "two columns or more")
    combiners = ("sum", "mean", "sqrtn")
    id_sources = ("hash_bucket_size",)

    def reads_ids(self, config: FeatureConfig) -> bool:
        """Returns True."""
        return True

    def cell_separators(self, config: FeatureConfig, column: int) -> tuple[str, ...]:
        """Returns the column's entry in `combo_input_seps`, if it splits."""
        given = list(config.combo_input_seps)
        return tuple(filter(None, given[column : column + 1]))

    def check(self, view: View, feature: Feature) -> Problems:
        """Its inputs are joined, or each of them is split."""
        yield from super().check(view, feature)
        config, count = feature.config, len(feature.inputs)
        given = config.combo_input_seps
        if given and len(given) != count:
            yield view.error(
                f"{feature.path}.combo_input_seps",
                f"combo_input_seps of feature {feature.name!r} does not fit its inputs",
                expected=f"{count}, one an input; an empty text does not split",
                found=str(len(given)),
                remedy="add the missing ones, or remove those too many",
            )
        if config.combo_join_sep and any(given):
            yield view.error(
                f"{feature.path}.combo_join_sep",
                f"feature {feature.name!r} has both combo_join_sep and combo_input_seps",
                remedy="remove one of them",
            )
