"""Rules about the model as a whole: its class, its message, its groups, what its towers see."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.sides import FIXED, Sides, sides
from easyrec_lite.checks.view import Feature, View
from easyrec_lite.core.errors import Problem, nearest
from easyrec_lite.models.registry import MODELS

Problems = Iterator[Problem]
MESSAGES = {
    "DSSM": "dssm",
    "DSSM_SENet": "dssm_senet",
    "DAT": "dat",
    "MatchModel": "model_params",
}


def model_class(view: View) -> Problems:
    """`model_class` names a model."""
    name = view.model_config.model_class
    if name not in MODELS:
        problem = MODELS.unknown(name)
        yield view.error(
            "model_config.model_class",
            problem.message,
            expected=problem.expected,
            found=problem.found,
            nearest=problem.nearest,
            remedy=problem.remedy,
        )


def model_message(view: View) -> Problems:
    """The model's parameters are those of its class."""
    name = view.model_config.model_class
    expected = MESSAGES.get(name)
    found = view.model.name if view.model else ""
    if expected is None or found == expected:
        return
    if found:
        owner = {message: model for model, message in MESSAGES.items()}.get(found)
        yield view.error(
            f"model_config.{found}",
            f"model_class is {name}, but the parameters are those of another model",
            expected=f"{expected} {{...}}",
            found=f"{found} {{...}}",
            remedy=f'set model_class: "{owner}", or write {expected} {{...}}'
            if owner
            else f"write {expected} {{...}}",
        )
    elif name != "MatchModel":
        yield view.error(
            "model_config",
            f"model {name} has no parameters",
            expected=f"{expected} {{...}}",
            remedy=f"write {expected} {{...}} inside model_config",
        )


def backbone(view: View) -> Problems:
    """A backbone belongs to MatchModel, and MatchModel has one."""
    name, given = view.model_config.model_class, view.model_config.HasField("backbone")
    if name == "MatchModel" and not given:
        yield view.error(
            "model_config",
            "a MatchModel has no backbone",
            expected="backbone { blocks {...} output_blocks: ... }",
            remedy="describe the two towers as blocks, or use model_class DSSM",
        )
    if name in FIXED and given:
        yield view.error(
            "model_config.backbone",
            f"model {name} does not read its backbone",
            remedy='set model_class: "MatchModel", or remove the backbone',
        )


def groups(view: View) -> Problems:
    """The groups of DSSM, DSSM_SENet and DAT are there, under their names."""
    name = view.model_config.model_class
    if name not in FIXED:
        return
    user, item = FIXED[name]
    needed = [*user, *item]
    extra = [group for group in view.groups if group not in needed]
    for group in needed:
        if group not in view.groups:
            yield view.error(
                "model_config.feature_groups",
                f"model {name} has no feature group {group!r}",
                expected="groups " + ", ".join(needed),
                found="groups " + (", ".join(view.groups) or "none"),
                nearest=nearest(group, extra),
                remedy=f'name a group "{group}"',
            )
    for group in extra:
        yield view.warning(
            view.groups[group].path,
            f"model {name} does not read feature group {group!r}",
            expected="groups " + ", ".join(needed),
            remedy="remove the group",
        )


def separate_towers(view: View) -> Problems:
    """No feature group feeds both towers of a backbone."""
    user, item = sides(view)
    for group in user:
        if group in item:
            yield view.error(
                f"{view.groups[group].path}.group_name",
                f"both towers read feature group {group!r}, so the user tower needs the item",
                found=f"{user[group]} and {item[group]}",
                remedy="give each tower groups of its own; a feature may stand in two groups",
            )


def item_leak(view: View) -> Problems:
    """The user tower does not see the item that it must predict."""
    both = sides(view)
    own = _item_columns(view, both)
    for group in both.user:
        if group in both.item:
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


SHARED = "which the item tower reads too"


def _item_columns(view: View, both: Sides) -> dict[str, str]:
    """Returns the columns of the item, each with how it is known to be one."""
    columns = {
        name: SHARED
        for group in both.item
        for feature in view.group_features(group)
        for name in feature.inputs
    }
    if view.sampler and view.listwise:
        sampled = dict.fromkeys(view.sampler.config.attr_fields, "an attribute of sampled items")
        columns |= sampled | {view.sampler.config.item_id_field: "the item's id"}
    item_id = getattr(view.model.config, "item_id", "") if view.model else ""
    tower = view.towers.get("item_tower")
    ids = {item_id, view.model_config.softmax.item_id, tower.config.id if tower else ""} - {""}
    return columns | dict.fromkeys(ids, "the item's id")


RULES = (model_class, model_message, backbone, groups, separate_towers, item_leak)
