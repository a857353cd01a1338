"""Rules about features: their names, the columns that they read, the tables that they share.

The rules of each kind of feature stand in its spec.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.specs.feature import ID_SOURCES
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]


def one_list(view: View) -> Problems:
    """Features are listed in `feature_config` or in `feature_configs`, not in both."""
    old, new = view.config.feature_configs, view.config.feature_config.features
    if old and new:
        yield view.error(
            "feature_configs[0]",
            "features are listed both in feature_configs and in feature_config",
            expected="one list of features",
            found=f"{len(old)} feature_configs and {len(new)} feature_config.features",
            remedy="move them all into feature_config { features {...} }",
        )
    if not old and not new:
        yield view.error(
            "feature_config",
            "the config lists no features",
            expected="feature_config { features {...} }",
            remedy="list each feature that the model's groups name",
        )


def names(view: View) -> Problems:
    """Every feature has a name, and a name is given once."""
    for feature in view.features:
        first = view.feature_by_name[feature.name]
        if not feature.name:
            yield view.error(
                feature.path, "a feature without feature_name and input_names", remedy="name it"
            )
        elif feature is not first:
            yield view.error(
                feature.path,
                f"feature {feature.name!r} is listed twice",
                found=f"the first one is at {view.place(first.path)}",
                remedy="give one of them another feature_name",
            )


def inputs(view: View) -> Problems:
    """Features read columns that exist and are no labels, as many as their type takes."""
    labels = set(view.data.label_fields)
    for feature in view.features:
        for index, name in enumerate(feature.inputs):
            path = f"{feature.path}.input_names[{index}]"
            if name not in view.fields:
                yield view.unknown(
                    path,
                    f"input field of feature {feature.name!r}:",
                    name,
                    view.fields,
                    remedy="name a field of data_config.input_fields, or add it there",
                )
            elif name in labels:
                yield view.error(
                    path,
                    f"feature {feature.name!r} reads the label {name!r}",
                    remedy="a label is what the model must predict: remove the feature",
                )


def kinds(view: View) -> Problems:
    """Features are what their kinds ask for."""
    for feature in view.features:
        yield from feature.spec.check(view, feature)


def shared_tables(view: View) -> Problems:
    """Features with one `embedding_name` agree about the table that they share."""
    sharing: dict[str, list[Feature]] = defaultdict(list)
    for feature in view.features:
        if feature.config.embedding_name:
            sharing[feature.config.embedding_name].append(feature)
    for name, features in sharing.items():
        for other in features[1:]:
            yield from _disagreements(view, name, features[0], other)


def _disagreements(view: View, table: str, first: Feature, other: Feature) -> Problems:
    fields = (*ID_SOURCES, "embedding_dim", "combiner", "initializer")
    values = [(name, getattr(first.config, name), getattr(other.config, name)) for name in fields]
    unequal = [(name, ours, theirs) for name, ours, theirs in values if ours != theirs]
    if not unequal and first.known_rows != other.known_rows:
        unequal = [("rows", first.known_rows, other.known_rows)]
    for field, ours, theirs in unequal:
        yield view.error(
            other.path if field == "rows" else f"{other.path}.{field}",
            f"features {first.name!r} and {other.name!r} share table {table!r} "
            f"but differ in {field}",
            expected=f"{_shown(ours)}, as {first.name!r} at {view.place(first.path)}",
            found=_shown(theirs),
            remedy="make them equal, or give one feature another embedding_name",
        )


def _shown(value: Any) -> str:
    if isinstance(value, int | str):
        return str(value) or "none"
    if hasattr(value, "ListFields"):
        return " ".join(str(value).split()) or "the default"
    return f"[{', '.join(value)}]"


RULES = (one_list, names, inputs, kinds, shared_tables)
