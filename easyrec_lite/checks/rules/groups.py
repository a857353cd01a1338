"""Rules about feature groups: that they name features, and that features are in some group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]


def known_features(view: View) -> Problems:
    """A group names features that are there, each once."""
    for number, group in enumerate(view.model_config.feature_groups):
        seen: set[str] = set()
        for index, name in enumerate(group.feature_names):
            path = f"model_config.feature_groups[{number}].feature_names[{index}]"
            if name not in view.feature_by_name:
                yield view.unknown(
                    path,
                    f"feature in group {group.group_name!r}:",
                    name,
                    view.feature_by_name,
                    remedy="name a feature of feature_config, or add it there",
                )
            elif name in seen:
                yield view.error(
                    path,
                    f"group {group.group_name!r} names feature {name!r} twice",
                    remedy="remove one",
                )
            seen.add(name)


def distinct_groups(view: View) -> Problems:
    """Group names are given once, and a group holds something."""
    counts = Counter(group.group_name for group in view.model_config.feature_groups)
    for number, group in enumerate(view.model_config.feature_groups):
        path = f"model_config.feature_groups[{number}]"
        if counts[group.group_name] > 1 and view.groups[group.group_name].path != path:
            first = view.place(view.groups[group.group_name].path)
            yield view.error(
                path,
                f"two groups are named {group.group_name!r}",
                found=f"the first one is at {first}",
                remedy="give one another name, or put their features together",
            )
        if not group.feature_names and not group.sequence_features:
            yield view.error(
                path,
                f"group {group.group_name!r} is empty",
                expected="feature_names: at least one feature",
                remedy="name features, or remove the group",
            )


def used_features(view: View) -> Problems:
    """A feature in no group is read and never used."""
    groups = view.model_config.feature_groups
    for feature in view.features:
        if groups and feature.name and feature.name not in view.grouped_features:
            yield view.warning(
                feature.path,
                f"feature {feature.name!r} is in no feature group, so the model does not see it",
                remedy="name it in a group of model_config.feature_groups, or remove it",
            )


def deep_groups(view: View) -> Problems:
    """Towers read deep groups."""
    for number, group in enumerate(view.model_config.feature_groups):
        if enum_name(group, "wide_deep") != "DEEP":
            yield view.error(
                f"model_config.feature_groups[{number}].wide_deep",
                f"group {group.group_name!r} is {enum_name(group, 'wide_deep')}",
                expected="DEEP",
                remedy="set wide_deep: DEEP; the towers have no wide part",
            )


def step_orders(view: View) -> Problems:
    """Sequences of a group are read step by step, so that all or none are put in order."""
    for group in view.groups:
        sequences = [f for f in view.group_features(group) if f.spec.sequence]
        stated = [feature for feature in sequences if feature.step_order]
        for feature in sequences if stated else []:
            if not feature.step_order:
                yield view.error(
                    feature.path,
                    f"sequence {feature.name!r} of group {group!r} has no step_order, but "
                    f"{stated[0].name!r} has one",
                    expected="step_order of all sequences of a group, or of none",
                    remedy="set step_order to the order of this feature's column",
                )


RULES = (known_features, distinct_groups, used_features, deep_groups, step_orders)
