"""What is said about bad corrections of the softmax."""

from __future__ import annotations

import pytest

from tests.config.base_config import (
    BACKBONE,
    LISTWISE,
    POINTWISE,
    assert_reported,
    problems,
    replaced,
)

GOOD = (
    'item_id: "item_id" mask_false_negatives: true logq: STREAMING logq_of_positive: false '
    "logq_rate: 0.1 logq_buckets: 9 learn_temperature: true min_temperature: 0.01 "
    "hardest_negatives: 3"
)


def with_softmax(options: str, text: str = LISTWISE) -> str:
    return replaced(text, "model_config {", f"model_config {{ softmax {{ {options} }}")


def without_sampler(text: str) -> str:
    start, end = text.index("  negative_sampler {"), text.index("}\nfeature_config {")
    return text[:start] + text[end:]


@pytest.mark.parametrize("text", [LISTWISE, BACKBONE])
@pytest.mark.parametrize("options", ["", GOOD, "logq: COUNTED", "logq: ITEM_TABLE"])
def test_good_options_pass(text: str, options: str) -> None:
    assert [str(found) for found in problems(with_softmax(options, text))] == []


def test_a_pointwise_model_has_no_softmax() -> None:
    pieces = ("CLASSIFICATION (the default)", "set the loss_type, or remove softmax")
    assert_reported(with_softmax("hardest_negatives: 3", POINTWISE), "softmax", *pieces)


@pytest.mark.parametrize(
    ("options", "pieces"),
    [
        ('item_id: "item_di"', ("unknown input field in item_id: 'item_di'", "nearest:  item_id")),
        (
            'item_id: "cate" logq: COUNTED',
            ("the sampler knows by another field", "expected: 'item_id'", "found:    'cate'"),
        ),
        (
            "logq: COUNTED logq_of_positive: false",
            ("own item would count twice", "mask_false_negatives: true"),
        ),
        ("logq: COUNTED logq_rate: 0.1", ("logq_rate has no effect with logq: COUNTED",)),
        ("logq: STREAMING logq_rate: 0", ("logq_rate is 0", "above 0, at most 1")),
        ("logq: STREAMING logq_rate: 1.5", ("logq_rate is 1.5",)),
        ("logq: STREAMING logq_buckets: 0", ("logq_buckets is 0",)),
        (
            "hardest_negatives: 3",
            ("warning: ", "first of all those that are none", "mask_false_negatives: true"),
        ),
        ("hardest_negatives: 0", ("hardest_negatives is 0", "leave it out")),
        ("min_temperature: 0.01", ("no effect without learn_temperature",)),
        ("learn_temperature: true min_temperature: -1", ("min_temperature is -1",)),
        (
            "learn_temperature: true min_temperature: 0.1",
            ("does not start above min_temperature", "less than 0.1, the temperature of"),
        ),
    ],
)
def test_bad_options_are_reported(options: str, pieces: tuple[str, ...]) -> None:
    assert_reported(with_softmax(options), "softmax", *pieces)


@pytest.mark.parametrize("option", ["mask_false_negatives: true", "logq: COUNTED"])
def test_ids_are_needed(option: str) -> None:
    text = with_softmax(option, without_sampler(LISTWISE))
    assert_reported(text, "softmax", "has no item id", "set model_config.softmax.item_id")


def test_two_item_ids_contradict_each_other() -> None:
    text = replaced(LISTWISE, "temperature: 0.1", 'temperature: 0.1 item_id: "cate"')
    assert_reported(with_softmax('item_id: "item_id"', text), "softmax", "'item_id' and 'cate'")


def test_item_table_needs_a_sampler() -> None:
    text = with_softmax('item_id: "item_id" logq: ITEM_TABLE', without_sampler(LISTWISE))
    assert_reported(text, "softmax", "there is no sampler", "COUNTED or STREAMING")


@pytest.mark.parametrize(
    ("params", "piece"),
    [("scale_simi: true", "found:    scale_simi: true"), ("simi_func: INNER_PRODUCT", "COSINE")],
)
def test_a_temperature_that_cannot_be_learnt(params: str, piece: str) -> None:
    text = replaced(BACKBONE, "user_tower_idx_in_output: 0", params)
    assert_reported(with_softmax("learn_temperature: true", text), "softmax", piece)


@pytest.mark.parametrize("power", ["-1", "nan", "inf"])
def test_a_power_that_turns_weights_around(power: str) -> None:
    text = replaced(LISTWISE, "num_sample: 16", f"num_sample: 16\n weight_power: {power}")
    assert_reported(text, "weight_power:", "weight_power is", "0 all items alike")


def test_the_user_tower_must_not_see_the_item_id_of_softmax() -> None:
    text = replaced(LISTWISE, '"city", "tags", "age"', '"city", "tags", "age", "item_id"')
    assert_reported(text, '"age", "item_id"', "the item's id")
