"""Rules about negative samplers."""

from __future__ import annotations

import math
from collections.abc import Iterator

from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]


def listwise(view: View) -> Problems:
    """Sampled negatives compete with positives, which only a listwise loss lets them do."""
    if view.sampler is None or view.listwise:
        return
    if view.loss_is_default:
        yield view.warning(
            view.sampler.path,
            f"{view.sampler.name} has no effect: without loss_type the model is pointwise "
            f"({view.losses[0].name})",
            remedy=f"set model_config.loss_type: {view.loss_names(['candidates'])[0]}, or remove "
            "the sampler",
        )
    else:
        yield view.error(
            view.sampler.path,
            f"{view.sampler.name} draws negatives, and loss {view.losses[0].name} has no use for "
            "them",
            expected="loss_type: " + " or ".join(view.loss_names(["candidates"])),
            found=view.losses[0].name,
            remedy="set the loss_type, or remove the sampler",
        )


def known_fields(view: View) -> Problems:
    """The sampler's fields are input fields."""
    if view.sampler is None:
        return
    path, config = view.sampler.path, view.sampler.config
    named = [(f"{path}.item_id_field", config.item_id_field)]
    if "user_id_field" in config.DESCRIPTOR.fields_by_name:
        named.append((f"{path}.user_id_field", config.user_id_field))
    named += [
        (f"{path}.attr_fields[{index}]", name) for index, name in enumerate(config.attr_fields)
    ]
    for place, name in named:
        if name not in view.fields:
            yield view.unknown(
                place,
                f"input field of {view.sampler.name}:",
                name,
                view.fields,
                remedy="name a field of data_config.input_fields",
            )
    yield from _repeated_attributes(view)


def _repeated_attributes(view: View) -> Problems:
    assert view.sampler is not None
    attributes = list(view.sampler.config.attr_fields)
    for index, name in enumerate(attributes):
        if name in attributes[:index]:
            yield view.error(
                f"{view.sampler.path}.attr_fields[{index}]",
                f"attr_fields names {name!r} twice",
                remedy="name each part of the table's attribute column once, in order",
            )


def counts(view: View) -> Problems:
    """A sampler draws something, and can cut its attribute column."""
    if view.sampler is None:
        return
    path, config = view.sampler.path, view.sampler.config
    for field in ("num_sample", "num_hard_sample"):
        if field in config.DESCRIPTOR.fields_by_name and getattr(config, field) == 0:
            yield view.error(
                f"{path}.{field}",
                f"{field} is 0",
                expected="a positive number",
                remedy="set it, or remove the sampler",
            )
    if not config.attr_delimiter:
        yield view.error(
            f"{path}.attr_delimiter", "attr_delimiter is empty", expected="one character, e.g. :"
        )


def item_features(view: View) -> Problems:
    """Every feature of the item tower can be computed for sampled items."""
    if view.sampler is None:
        return
    config = view.sampler.config
    known = set(config.attr_fields)
    reported: set[str] = set()
    for group in view.sides.item:
        for feature in view.group_features(group):
            missing = [name for name in feature.inputs if name not in known]
            if not missing or feature.name in reported:
                continue
            reported.add(feature.name)
            index = list(view.groups[group].config.feature_names).index(feature.name)
            yield view.error(
                f"{view.groups[group].path}.feature_names[{index}]",
                f"feature {feature.name!r} of item group {group!r} cannot be computed for sampled "
                f"negatives: {view.sampler.name} has no attribute {missing[0]!r}",
                expected="features of " + ", ".join(config.attr_fields),
                found=", ".join(missing),
                remedy=f"add {missing[0]!r} to {view.sampler.path}.attr_fields and to the item "
                "table, or remove the feature from the group",
            )


def weight_power(view: View) -> Problems:
    """The exponent of a sampler's weights is a number that keeps heavy items heavy."""
    if view.sampler is None:
        return
    power = view.sampler.config.weight_power
    if not (math.isfinite(power) and power >= 0):
        yield view.error(
            f"{view.sampler.path}.weight_power",
            f"weight_power is {power:g}",
            expected="a number ≥ 0: 1 draws by the table's weights, 0 all items alike",
        )


RULES = (listwise, known_fields, counts, weight_power, item_features)
