"""Rules about the options of single feature types: precision, vocabularies, crosses, sequences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from easyrec_lite.checks import tables
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]


def float_precision(view: View) -> Problems:
    """Floats are printed before they are hashed, which needs a number of digits."""
    for feature in filter(tables.reads_ids, view.features):
        config = feature.config
        if config.precision >= 0 or config.num_buckets:
            continue
        hashed = feature.inputs[:1] if feature.kind == "TagFeature" else feature.inputs
        for name in hashed:
            if view.field_type(name) in ("FLOAT", "DOUBLE"):
                yield view.error(
                    feature.path,
                    f"feature {feature.name!r} makes ids of the {view.field_type(name)} "
                    f"field {name!r} without precision",
                    expected="precision: how many digits after the point make the id",
                    remedy="set precision, or make it a RawFeature with boundaries",
                )


def vocabulary(view: View) -> Problems:
    """A listed vocabulary names each token once."""
    for feature in view.features:
        counts = Counter(feature.config.vocab_list)
        twice = [repr(token) for token, count in counts.items() if count > 1]
        if twice:
            yield view.error(
                f"{feature.path}.vocab_list",
                f"the vocabulary of feature {feature.name!r} gives a token two ids",
                found="given twice: " + ", ".join(twice[:5]),
                remedy="list each token once",
            )


def combo_separators(view: View) -> Problems:
    """A ComboFeature joins its inputs, or splits each of them."""
    for feature in view.features:
        config = feature.config
        given = config.combo_input_seps
        if feature.kind != "ComboFeature" or not given:
            continue
        if len(given) != len(feature.inputs):
            yield view.error(
                f"{feature.path}.combo_input_seps",
                f"combo_input_seps of feature {feature.name!r} does not fit its inputs",
                expected=f"{len(feature.inputs)}, one an input; an empty text does not split",
                found=str(len(given)),
                remedy="add the missing ones, or remove those too many",
            )
        if config.combo_join_sep and any(given):
            yield view.error(
                f"{feature.path}.combo_join_sep",
                f"feature {feature.name!r} has both combo_join_sep and combo_input_seps",
                remedy="remove one of them",
            )


def sequence_pooling(view: View) -> Problems:
    """A tower takes one vector for each feature, so a sequence is pooled; a backbone may not."""
    if view.model_config.HasField("backbone"):
        return
    used = {name for group in view.groups.values() for name in group.config.feature_names}
    for feature in view.features:
        combined = feature.config.sequence_combiner.WhichOneof("combiner")
        if feature.kind == "SequenceFeature" and feature.name in used and not combined:
            yield view.error(
                feature.path,
                f"SequenceFeature {feature.name!r} has no sequence_combiner, so it is no single "
                "vector",
                expected="sequence_combiner { attention {} } or { text_cnn {...} }",
                remedy="set one, or make it a TagFeature, which pools its vectors",
            )


def constant_values(view: View) -> Problems:
    """A constant initialiser gives one value, a row of them, or all."""
    for feature in filter(tables.has_table, view.features):
        count = len(feature.config.initializer.constant_initializer.consts)
        rows, dim = tables.rows(feature), feature.config.embedding_dim
        given = feature.config.initializer.HasField("constant_initializer")
        if given and rows is not None and count not in (1, dim, rows * dim):
            yield view.error(
                f"{feature.path}.initializer.constant_initializer",
                f"constant_initializer does not fit the table of feature {feature.name!r}",
                expected=f"1 value, {dim} (a row) or {rows * dim} (all)",
                found=f"{count} values",
                remedy="give one value for all",
            )


RULES = (float_precision, vocabulary, combo_separators, sequence_pooling, constant_values)
