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
    if view.spec is not None and view.spec.task == "ranking":
        return
    own = _item_columns(view)
    for group in view.sides.user:
        if group in view.sides.item:
            continue
        yield from _sequence_keys(view, group, own)
        for feature in view.group_features(group):
            if _is_target(view, group, feature) and any(each in own for each in feature.inputs):
                yield _leaking_target(view, group, feature, own)
            else:
                yield from _shared_columns(view, group, feature, own)
        for attention in view.attentions.get(group, ()):
            for feature in (*attention.histories, *attention.extras):
                yield from _shared_columns(view, group, feature, own)


def _sequence_keys(view: View, group: str, own: dict[str, str]) -> Problems:
    for attention in view.attentions.get(group, ()):
        allowed, leaks = attention.config.allow_item_keys, False
        for field, path, name in attention.named():
            key = view.feature_by_name.get(name)
            leaked = [column for column in (key.inputs if key else ()) if column in own]
            if field == "key" and leaked:
                leaks = True
                what = (
                    f"group {group!r} of the user tower attends with key {name!r}, {own[leaked[0]]}"
                )
                yield _allowed(view, path, what) if allowed else _leaking(view, path, what)
        if allowed and not leaks:
            yield view.warning(
                f"{attention.path}.allow_item_keys",
                f"no key of attention {attention.name!r} is of the item, and with allow_item_keys "
                "the scorer alone is exported",
                remedy="leave allow_item_keys out",
            )


def _leaking(view: View, path: str, what: str) -> Problem:
    return view.error(
        path,
        f"{what}: the tower would see the item that it must predict",
        expected="keys of the user alone",
        remedy="use the user's latest item as the key: a feature of the group with a column of its "
        "own, which shares the embedding_name of the history; to compare with EasyRec alone, set "
        "allow_item_keys: true beside seq_att_map",
    )


def _allowed(view: View, path: str, what: str) -> Problem:
    return view.warning(
        path,
        f"{what}, and allow_item_keys is true: THE USER TOWER SEES THE ITEM THAT IT MUST PREDICT. "
        "Its metrics mean nothing for retrieval; the scorer alone is exported, no user tower, item "
        "vectors or recommender",
        remedy="use it to compare with EasyRec; to serve, use the user's latest item as the key",
    )


def _is_target(view: View, group: str, feature: Feature) -> bool:
    """Returns whether layers of a backbone may compare the feature with a sequence of its group."""
    if view.spec is None or not view.spec.reads_backbone or feature.stays_sequence:
        return False
    return any(each.stays_sequence for each in view.group_features(group))


def _leaking_target(view: View, group: str, feature: Feature, own: dict[str, str]) -> Problem:
    column = next(name for name in feature.inputs if name in own)
    return view.error(
        view.member_path(group, feature.name),
        f"group {group!r} of the user tower gives its sequence the target {feature.name!r}, which "
        f"reads {column!r}, {own[column]}: the tower would see the item that it must predict",
        expected="targets of the user alone",
        remedy="use the user's latest item as the target: a feature of the group with a column of "
        "its own, which shares the embedding_name of the history",
    )


def _shared_columns(view: View, group: str, feature: Feature, own: dict[str, str]) -> Problems:
    path = view.member_path(group, feature.name)
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
        for feature in view.read_features(group)
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
