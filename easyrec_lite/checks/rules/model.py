"""Rules about the model as a whole: that there is one, its own rules, what its user side sees."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.features import Feature
from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]
SHARED = "which the item tower reads too"


def model_class(view: View) -> Problems:
    """`model_class` names a model that there is."""
    name = view.model_config.model_class
    if view.spec is None:
        unknown = MODELS.unknown(name)
        yield view.error(
            "model_config.model_class",
            f"model {name!r} is not offered" if name else "the config names no model",
            expected=unknown.expected,
            found=unknown.found,
            nearest=unknown.nearest,
            remedy=unknown.remedy,
        )


def own_rules(view: View) -> Problems:
    """What the model itself asks of a config."""
    if view.spec is not None:
        yield from view.spec.check(view)


def item_leak(view: View) -> Problems:
    """The user tower does not see the item that it must predict."""
    own = _item_columns(view)
    for group in view.sides.user:
        if group in view.sides.item:
            continue
        yield from _sequence_keys(view, group, own)
        for feature in view.group_features(group):
            yield from _shared_columns(view, group, feature, own)


def _sequence_keys(view: View, group: str, own: dict[str, str]) -> Problems:
    for path, key in _keys(view, group):
        feature = view.feature_by_name.get(key)
        leaked = [name for name in (feature.inputs if feature else (key,)) if name in own]
        if leaked:
            yield view.error(
                path,
                f"group {group!r} of the user tower attends with key {key!r}, {own[leaked[0]]}: "
                "the tower would see the item that it must predict",
                remedy="pool the user's own history: a TagFeature, or a SequenceFeature with a "
                "sequence_combiner",
            )


def _keys(view: View, group: str) -> Iterator[tuple[str, str]]:
    """Yields (path, name) of the key features of the group's attention over sequences."""
    if group not in view.groups:
        return
    named = view.groups[group]
    for index, sequence in enumerate(named.config.sequence_features):
        for number, mapping in enumerate(sequence.seq_att_map):
            path = f"{named.path}.sequence_features[{index}].seq_att_map[{number}]"
            for place, key in enumerate(mapping.key):
                yield f"{path}.key[{place}]", key


def _shared_columns(view: View, group: str, feature: Feature, own: dict[str, str]) -> Problems:
    index = list(view.groups[group].config.feature_names).index(feature.name)
    path = f"{view.groups[group].path}.feature_names[{index}]"
    for name in feature.inputs:
        if name not in own:
            continue
        what = (
            f"feature {feature.name!r} of the user tower's group {group!r} reads {name!r}, "
            f"{own[name]}"
        )
        remedy = "remove it from the user tower's groups"
        if own[name] != SHARED:
            yield view.error(
                path, f"{what}: the tower would see the item that it must predict", remedy=remedy
            )
        elif view.listwise:
            yield view.warning(
                path, f"{what}: it tells which row's item is the right one", remedy=remedy
            )


def _item_columns(view: View) -> dict[str, str]:
    """Returns the columns of the item, each with how it is known to be one."""
    columns = {
        name: SHARED
        for group in view.sides.item
        for feature in view.group_features(group)
        for name in feature.inputs
    }
    if view.sampler and view.listwise:
        sampled = dict.fromkeys(view.sampler.config.attr_fields, "an attribute of sampled items")
        columns |= sampled | {view.sampler.config.item_id_field: "the item's id"}
    ids = {view.model_config.softmax.item_id} - {""}
    if view.spec is not None:
        ids |= view.spec.item_ids(view)
    return columns | dict.fromkeys(ids, "the item's id")


RULES = (model_class, own_rules, item_leak)
