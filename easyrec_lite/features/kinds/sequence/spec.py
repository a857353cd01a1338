"""SequenceFeature: what `check` knows of it."""

from __future__ import annotations

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.specs.feature import (
    FEATURE_KINDS,
    SEQUENCE_COMBINERS,
    FeatureKindSpec,
    Problems,
)
from easyrec_lite.checks.view import View
from easyrec_lite.protos.messages import FeatureConfig


@FEATURE_KINDS.declare
class SequenceFeatureSpec(FeatureKindSpec):
    """Ids or numbers in order, pooled by a `sequence_combiner`."""

    name = "SequenceFeature"
    module = "kind"
    combiners = ("sum", "mean", "sqrtn", "max", "min")
    lists = True
    sequence = True

    def reads_ids(self, config: FeatureConfig) -> bool:
        """Returns whether its steps are ids."""
        return enum_name(config, "sub_feature_type") == "IdFeature"

    def reads_numbers(self, config: FeatureConfig) -> bool:
        """Returns whether its steps are numbers."""
        return not self.reads_ids(config)

    def separators(self, config: FeatureConfig) -> list[str]:
        """Returns the fields with the texts that part steps, and the numbers of a step."""
        several = config.raw_input_dim > 1 and not self.reads_ids(config)
        return ["separator", *(["seq_multi_sep"] if several else [])]

    def cell_separators(self, config: FeatureConfig, column: int) -> tuple[str, ...]:
        """Returns the text between steps, and the one between the values of a step, if any."""
        return tuple(filter(None, (config.separator, config.seq_multi_sep)))

    def width(self, feature: Feature) -> int:
        """Returns the width of what the combiner makes of it, or of a step without combiner."""
        combiner = feature.sequence_combiner
        return combiner.width(feature) if combiner else feature.dim

    def check(self, view: View, feature: Feature) -> Problems:
        """A sequence is pooled, unless a backbone takes its steps."""
        yield from super().check(view, feature)
        given = feature.config.sequence_combiner.WhichOneof("combiner")
        path = f"{feature.path}.sequence_combiner"
        if given is None:
            groups = view.feature_groups.values()
            joined = {member.name for members in groups for member in members}
            if _is_pooled(view) and feature.name in joined:
                yield view.error(
                    feature.path,
                    f"SequenceFeature {feature.name!r} has no sequence_combiner, so it is no "
                    "single vector",
                    expected=_expected(),
                    remedy="set one, or make it a TagFeature, which pools its vectors",
                )
        elif feature.sequence_combiner is None:
            yield view.error(
                path,
                f"sequence_combiner {given} is not offered",
                expected=_expected(),
                found=given,
                remedy="use one of them, or make it a TagFeature, which pools its vectors",
            )
        else:
            yield from feature.sequence_combiner.check(view, feature)


def _is_pooled(view: View) -> bool:
    """Returns whether the model takes one vector a feature; not known of a model not offered."""
    if view.spec is None or view.spec.reads_steps:
        return False
    return not view.model_config.HasField("backbone")


def _expected() -> str:
    return " or ".join(f"{name} {{…}}" for name in SEQUENCE_COMBINERS.names())
