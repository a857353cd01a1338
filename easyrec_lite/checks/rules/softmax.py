"""Rules about the corrections of a listwise model's softmax."""

from __future__ import annotations

import math
from collections.abc import Iterator

from easyrec_lite.checks.item_id import item_id_field, sampler_id_field
from easyrec_lite.checks.view import View, enum_name
from easyrec_lite.core.errors import Problem

Problems = Iterator[Problem]
PATH = "model_config.softmax"
OF_STREAMING = ("logq_rate", "logq_buckets")


def listwise(view: View) -> Problems:
    """Only a listwise loss has a softmax to correct."""
    if view.model_config.HasField("softmax") and not view.listwise:
        yield view.error(
            PATH,
            f"softmax corrects the loss over candidates, and {view.losses[0].name} has none",
            expected="loss_type: SOFTMAX_CROSS_ENTROPY",
            found=view.losses[0].name + (" (the default)" if view.loss_is_default else ""),
            remedy="set the loss_type, or remove softmax",
        )


def item_ids(view: View) -> Problems:
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


def logq(view: View) -> Problems:
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


def learnt_temperature(view: View) -> Problems:
    """A learnt temperature divides a cosine, alone scales it, and starts above its bound."""
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
    if not options.learn_temperature or view.model is None:
        return
    config = view.model.config
    if getattr(config, "scale_simi", False):
        yield view.error(
            f"{PATH}.learn_temperature",
            "learn_temperature and scale_simi both learn the scale of the similarity",
            expected=f"scale_simi: false in {view.model.path}",
            found="scale_simi: true"
            + ("" if config.HasField("scale_simi") else f" (the default of {view.model.name})"),
            remedy="set scale_simi: false, or leave learn_temperature out",
        )
    if view.model.name != "dat" and enum_name(config, "simi_func") == "INNER_PRODUCT":
        yield view.error(
            f"{PATH}.learn_temperature",
            "simi_func INNER_PRODUCT has no temperature to learn",
            expected="simi_func: COSINE",
            remedy="use COSINE, or leave learn_temperature out",
        )
    if 0 < config.temperature <= options.min_temperature:
        yield view.error(
            f"{PATH}.min_temperature",
            "the temperature does not start above min_temperature",
            expected=f"less than {config.temperature:g}, the temperature of {view.model.path}",
            found=f"{options.min_temperature:g}",
            remedy="lower min_temperature, or raise temperature",
        )


def hardest(view: View) -> Problems:
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


RULES = (listwise, item_ids, logq, learnt_temperature, hardest, weight_power)
