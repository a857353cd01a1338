"""RawFeature: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.specs.feature import FEATURE_KINDS, FeatureKindSpec, Problems
from easyrec_lite.checks.view import View
from easyrec_lite.protos.messages import FeatureConfig


@FEATURE_KINDS.declare
class RawFeatureSpec(FeatureKindSpec):
    """Numbers, scaled and optionally bucketised into ids."""

    name = "RawFeature"
    module = "kind"
    combiners = ("max", "min", "mean", "sum")

    def reads_numbers(self, config: FeatureConfig) -> bool:
        """Returns True."""
        return True

    def cell_separators(self, config: FeatureConfig, column: int) -> tuple[str, ...]:
        """Returns the texts between vectors, and between the numbers of one."""
        vectors = (config.seq_multi_sep,) if config.seq_multi_sep else ()
        return vectors + super().cell_separators(config, column)

    def reads_vector(self, config: FeatureConfig) -> bool:
        """Returns whether it reads one vector, not several."""
        return config.raw_input_dim > 1 and not config.seq_multi_sep

    def table_combiner(self, config: FeatureConfig) -> str:
        """Returns `sum` where the combiner pools numbers before any vector is looked up."""
        pools = config.seq_multi_sep or config.combiner in ("max", "min")
        return "sum" if pools else super().table_combiner(config)

    def check(self, view: View, feature: Feature) -> Problems:
        """Buckets are given by boundaries, or as equal ranges of [min_val, max_val]."""
        yield from super().check(view, feature)
        config = feature.config
        if config.num_buckets and config.boundaries:
            yield view.error(
                f"{feature.path}.num_buckets",
                f"RawFeature {feature.name!r} has both boundaries and num_buckets",
                remedy="remove one of them",
            )
        elif config.num_buckets and config.min_val >= config.max_val:
            yield view.error(
                f"{feature.path}.num_buckets",
                f"RawFeature {feature.name!r} has num_buckets without a range",
                expected="min_val and max_val, min_val < max_val",
                found=f"min_val {config.min_val:g}, max_val {config.max_val:g}",
                remedy="set them, or give boundaries",
            )
