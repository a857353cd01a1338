"""The corrections of a loss over candidates, `model_config.softmax`: what `check` knows of them."""

from __future__ import annotations

from collections.abc import Iterator

from easyrec_lite.checks.item_id import item_id_field, sampler_id_field
from easyrec_lite.checks.names import enum_name
from easyrec_lite.checks.view import View
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]
PATH = "model_config.softmax"
OF_STREAMING = ("logq_rate", "logq_buckets")


def check_options(view: View) -> Problems:
    """Yields what is wrong with `model_config.softmax`."""
    yield from _item_ids(view)
    yield from _logq(view)
    yield from _temperature(view)
    yield from _hardest(view)


def _item_ids(view: View) -> Problems:
    """Masks and logQ have an item id to compare or count, one for rows and sampled items alike."""
    options = view.model_config.softmax
    name = item_id_field(view.config)
    asked = [
        field
        for field, on in (
            ("mask_false_negatives", options.mask_false_negatives),
            ("logq", options.logq != options.OFF),
        )
        if on
    ]
    if options.item_id and options.item_id not in view.fields:
        yield view.unknown(
            f"{PATH}.item_id",
            "input field in item_id:",
            options.item_id,
            view.fields,
            remedy="name a field of data_config.input_fields",
        )
    of_model = getattr(view.model.config, "item_id", "") if view.model else ""
    if options.item_id and of_model and of_model != options.item_id:
        yield view.error(
            f"{PATH}.item_id",
            "softmax and the model name different item ids",
            found=f"{options.item_id!r} and {of_model!r}",
            remedy="leave one of them out",
        )
    for field in asked:
        if not name:
            yield view.error(
                f"{PATH}.{field}",
                f"{field} has no item id",
                expected="item_id: an input field",
                remedy=f"set {PATH}.item_id",
            )
        elif view.sampler and name != sampler_id_field(view.config):
            yield view.error(
                f"{PATH}.{field}",
                f"{field} needs the ids of sampled items, which the sampler knows by another field",
                expected=repr(sampler_id_field(view.config)),
                found=repr(name),
                remedy=f"set item_id to the item_id_field of {view.sampler.path}",
            )


def _logq(view: View) -> Problems:
    """The options of logQ fit its source, and each other."""
    options = view.model_config.softmax
    source = enum_name(options, "logq")
    if source == "ITEM_TABLE" and view.sampler is None:
        yield view.error(
            f"{PATH}.logq",
            "there is no sampler, hence no item table to take weights from",
            expected="COUNTED or STREAMING",
            remedy="count the items of the training data: logq: COUNTED",
        )
    if not options.logq_of_positive and not options.mask_false_negatives:
        yield view.error(
            f"{PATH}.logq_of_positive",
            "the row's own item would count twice: as it is, and as another row's item",
            expected="mask_false_negatives: true",
            remedy="set it, or leave logq_of_positive out",
        )
    given = [field for field in (*OF_STREAMING, "logq_of_positive") if options.HasField(field)]
    for field in given:
        if source == "OFF" or (field in OF_STREAMING and source != "STREAMING"):
            yield view.warning(
                f"{PATH}.{field}",
                f"{field} has no effect with logq: {source}",
                remedy="leave it out",
            )
    if not 0 < options.logq_rate <= 1:
        yield view.error(
            f"{PATH}.logq_rate",
            f"logq_rate is {options.logq_rate:g}",
            expected="above 0, at most 1, such as 0.01",
        )
    if options.logq_buckets == 0:
        yield view.error(
            f"{PATH}.logq_buckets",
            "logq_buckets is 0",
            expected="a positive number, some times the number of items",
        )


def _temperature(view: View) -> Problems:
    """The bound of a learnt temperature makes sense."""
    options = view.model_config.softmax
    if options.HasField("min_temperature") and not options.learn_temperature:
        yield view.warning(
            f"{PATH}.min_temperature",
            "min_temperature has no effect without learn_temperature",
            remedy="leave it out, or set learn_temperature",
        )
    if options.min_temperature < 0:
        yield view.error(
            f"{PATH}.min_temperature",
            f"min_temperature is {options.min_temperature:g}",
            expected="a number ≥ 0",
        )


def _hardest(view: View) -> Problems:
    """Some negatives are left to compete, and they are negatives."""
    options = view.model_config.softmax
    if options.HasField("hardest_negatives") and options.hardest_negatives < 1:
        yield view.error(
            f"{PATH}.hardest_negatives",
            "hardest_negatives is 0, which leaves nothing to learn from",
            expected="a positive number",
            remedy="leave it out to let all negatives compete",
        )
    if options.hardest_negatives and not options.mask_false_negatives:
        yield view.warning(
            f"{PATH}.hardest_negatives",
            "the hardest negatives of a row are first of all those that are none: its own item, in "
            "other rows or among the sampled",
            expected="mask_false_negatives: true",
            remedy="set it, or leave hardest_negatives out",
        )
