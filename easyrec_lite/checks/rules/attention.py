"""Rules about `sequence_features` of a feature group: keys, histories, and how they fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from easyrec_lite.checks.attention import SequenceAttention
from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]


def complete(view: View) -> Problems:
    """An attention has a key and a history, which are features of the right kinds."""
    for attention in _attentions(view):
        yield from _named(view, attention)
        maps = attention.config.seq_att_map
        for field in ("key", "hist_seq"):
            if not any(getattr(entry, field) for entry in maps):
                yield view.error(
                    f"{attention.path}.seq_att_map",
                    f"attention {attention.name!r} has no {field}",
                    expected="at least one key and one hist_seq",
                    remedy="name the user's latest item as the key, and the user's items as "
                    "hist_seq",
                )


def _named(view: View, attention: SequenceAttention) -> Problems:
    for field, path, name in attention.named():
        feature, is_key = view.feature_by_name.get(name), field == "key"
        if feature is None:
            yield view.unknown(
                path,
                f"feature in sequence_features {attention.name!r}:",
                name,
                view.feature_by_name,
                remedy="name a feature of feature_config, or add it there",
            )
        elif is_key and feature.stays_sequence:
            yield view.error(
                path,
                f"key {name!r} is a sequence, so it is no single vector",
                expected="a feature with one vector, such as an IdFeature",
                found=feature.kind,
                remedy="name the user's latest item",
            )
        elif not is_key and not feature.spec.sequence:
            yield view.error(
                path,
                f"history {name!r} has no steps",
                expected="a SequenceFeature",
                found=feature.kind,
                remedy="set its feature_type: SequenceFeature",
            )


def fitting(view: View) -> Problems:
    """The key is as wide as a step, or is made so; each step gets one score."""
    for attention in _attentions(view):
        units = attention.units
        if units[-1] != 1 or 0 in units:
            yield view.error(
                f"{attention.path}.seq_dnn.hidden_units",
                f"the network of attention {attention.name!r} gives no single score",
                expected="positive numbers, the last of them 1",
                found=str(units),
            )
        key, step = attention.key_width, attention.history_width
        if key and step and key != step and not attention.config.allow_key_transform:
            yield view.error(
                attention.path,
                f"the keys of attention {attention.name!r} are {key} wide, a step of its "
                f"histories {step}",
                expected="equal sums of embedding_dim",
                remedy="make them equal, or set allow_key_transform: true",
            )


def distinct_names(view: View) -> Problems:
    """Attentions of a group have names of their own, as their layers do."""
    for attentions in view.attentions.values():
        counts = Counter(attention.name for attention in attentions)
        for attention in attentions:
            if counts[attention.name] > 1:
                yield view.error(
                    f"{attention.path}.group_name",
                    f"several sequence_features of group {attention.group!r} are named "
                    f"{attention.name!r}",
                    remedy="give each another group_name",
                )


def searched_keys(view: View) -> Problems:
    """A key that the group does not name is looked up whatever `allow_key_search` says."""
    for attention in _attentions(view):
        config = attention.config
        outside = [key.name for key in attention.keys if key.name not in attention.group_features]
        if outside and config.HasField("allow_key_search") and not config.allow_key_search:
            yield view.warning(
                f"{attention.path}.allow_key_search",
                f"allow_key_search: false has no effect: key {outside[0]!r} is no feature of group "
                f"{attention.group!r} and is looked up in a table of its own",
                remedy="name the key in feature_names of the group to share its vector",
            )


def _attentions(view: View) -> Iterator[SequenceAttention]:
    for attentions in view.attentions.values():
        yield from attentions


def served(view: View) -> Problems:
    """The model takes the vectors of attentions."""
    if view.spec is None or view.spec.reads_attention:
        return
    for attention in _attentions(view):
        yield view.error(
            attention.path,
            f"model {view.spec.name} does not read sequence_features",
            expected="a model whose towers do: "
            + ", ".join(spec.name for spec in MODELS.specs() if spec.reads_attention),
            remedy="remove it, or use such a model",
        )


def pairs(view: View) -> Problems:
    """Only a model that scores pairs computes a group for sampled items."""
    reads = view.spec is None or view.spec.reads_pairs
    for name, group in view.groups.items():
        if group.config.negative_sampler and not (reads and name in view.sides.user):
            yield view.error(
                f"{group.path}.negative_sampler",
                f"group {name!r} is not computed for each sampled item",
                expected="negative_sampler: true of a user's group of "
                + ", ".join(spec.name for spec in MODELS.specs() if spec.reads_pairs),
                remedy="leave it out; the sampler of data_config gives the negatives",
            )


def allowed_keys(view: View) -> Problems:
    """Keys of the item need no permission where they are no leak."""
    if view.spec is None or not view.spec.reads_pairs:
        return
    for attention in _attentions(view):
        if attention.config.allow_item_keys:
            yield view.warning(
                f"{attention.path}.allow_item_keys",
                f"allow_item_keys has no effect: {view.spec.name} scores a user and an item "
                "together",
                remedy="leave it out",
            )


RULES = (served, pairs, allowed_keys, complete, fitting, distinct_names, searched_keys)
