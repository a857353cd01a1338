"""Rules about features: what they read, how they make ids, which tables they share."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from easyrec_lite.checks import tables
from easyrec_lite.checks.view import Feature, View
from easyrec_lite.core.errors import Problem
from easyrec_lite.protos.messages import FeatureConfig

Problems = Iterator[Problem]
COMBINERS = {
    "TagFeature": ("sum", "mean", "sqrtn"),
    "LookupFeature": ("sum", "mean", "sqrtn"),
    "ComboFeature": ("sum", "mean", "sqrtn"),
    "SequenceFeature": ("sum", "mean", "sqrtn", "max", "min"),
    "RawFeature": ("max", "min", "mean", "sum"),
}
INPUT_COUNTS = {
    "IdFeature": (1, 1, "one column"),
    "TagFeature": (1, 2, "one column, or two: tags and their weights"),
    "RawFeature": (1, 1, "one column"),
    "ComboFeature": (2, None, "two columns or more"),
    "LookupFeature": (2, 2, "two columns: a key and a map"),
    "SequenceFeature": (1, 1, "one column"),
    "ExprFeature": (1, None, "one column or more"),
    "PassThroughFeature": (1, 1, "one column"),
}
ONE_SOURCE = "exactly one of " + ", ".join(tables.ID_SOURCES)


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
        yield from _input_count(view, feature)


def _input_count(view: View, feature: Feature) -> Problems:
    least, most, expected = INPUT_COUNTS[feature.kind]
    count = len(feature.inputs)
    if count and (count < least or (most is not None and count > most)):
        yield view.error(
            f"{feature.path}.input_names",
            f"{feature.kind} {feature.name!r} reads {count} column{'s' if count > 1 else ''}",
            expected=expected,
            found=", ".join(feature.inputs),
            remedy="change input_names or feature_type",
        )


def id_source(view: View) -> Problems:
    """A feature of ids has exactly one source of ids."""
    for feature in filter(tables.reads_ids, view.features):
        given = tables.id_sources(feature)
        if len(given) == 1 and (feature.kind != "ComboFeature" or given == ["hash_bucket_size"]):
            continue
        expected = "hash_bucket_size" if feature.kind == "ComboFeature" else ONE_SOURCE
        yield view.error(
            f"{feature.path}.{given[-1]}" if given else feature.path,
            f"{feature.kind} {feature.name!r} has {_sources(given)}",
            expected=expected,
            found=", ".join(given) or "none of them",
            remedy="remove all but one" if len(given) > 1 else f"set {expected}",
        )


def _sources(given: list[str]) -> str:
    return {0: "no source of ids", 1: "a source of ids that it cannot use"}.get(
        len(given), f"{len(given)} sources of ids"
    )


def embedding_dim(view: View) -> Problems:
    """A feature with a table that a group uses has an `embedding_dim`."""
    used = {
        name
        for group in view.model_config.feature_groups
        for name in group.feature_names
        if group.wide_deep == 0
    }
    for feature in view.features:
        if tables.has_table(feature) and not feature.config.embedding_dim and feature.name in used:
            yield view.error(
                feature.path,
                f"{feature.kind} {feature.name!r} has no embedding_dim",
                expected="embedding_dim: a positive number",
                remedy="set embedding_dim, e.g. 16",
            )


def buckets(view: View) -> Problems:
    """Number features are bucketised by sorted boundaries, or by equal ranges of [min, max]."""
    for feature in view.features:
        config = feature.config
        for low, high in itertools.pairwise(config.boundaries):
            if low >= high:
                yield view.error(
                    f"{feature.path}.boundaries",
                    f"the boundaries of feature {feature.name!r} are not in ascending order",
                    found=f"{low:g} before {high:g}",
                    remedy="sort them, each once",
                )
                break
        if feature.kind == "RawFeature" and config.num_buckets and config.boundaries:
            yield view.error(
                f"{feature.path}.num_buckets",
                f"RawFeature {feature.name!r} has both boundaries and num_buckets",
                remedy="remove one of them",
            )
        elif feature.kind == "RawFeature" and config.num_buckets and not _has_range(config):
            yield view.error(
                f"{feature.path}.num_buckets",
                f"RawFeature {feature.name!r} has num_buckets without a range",
                expected="min_val and max_val, min_val < max_val",
                found=f"min_val {config.min_val:g}, max_val {config.max_val:g}",
                remedy="set them, or give boundaries",
            )


def _has_range(config: FeatureConfig) -> bool:
    return config.min_val < config.max_val


def combiner(view: View) -> Problems:
    """Pooling is by a known combiner."""
    for feature in view.features:
        known = COMBINERS.get(feature.kind)
        if known and feature.config.HasField("combiner") and feature.config.combiner not in known:
            yield view.unknown(
                f"{feature.path}.combiner",
                f"combiner of {feature.kind} {feature.name!r}:",
                feature.config.combiner,
                known,
                remedy="use one of them",
            )


def expression(view: View) -> Problems:
    """An ExprFeature has an expression."""
    for feature in view.features:
        if feature.kind == "ExprFeature" and not feature.config.expression:
            yield view.error(
                feature.path,
                f"ExprFeature {feature.name!r} has no expression",
                remedy='set expression, e.g. "price > 10"',
            )


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
    for field in (*tables.ID_SOURCES, "embedding_dim", "combiner", "initializer"):
        ours, theirs = getattr(first.config, field), getattr(other.config, field)
        if ours != theirs:
            yield view.error(
                f"{other.path}.{field}",
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


RULES = (
    one_list,
    names,
    inputs,
    id_source,
    embedding_dim,
    buckets,
    combiner,
    expression,
    shared_tables,
)
