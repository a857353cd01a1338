"""What is said about bad models, towers and losses."""

from __future__ import annotations

import pytest

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.checks.specs.metric import METRICS
from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.core.registry import ComponentRegistry
from tests.config.base_config import (
    BACKBONE,
    LISTWISE,
    POINTWISE,
    assert_reported,
    problems,
    replaced,
)


def messages(text: str) -> list[str]:
    return [found.message for found in problems(text)]


def without_sampler(text: str) -> str:
    start, end = text.index("  negative_sampler {"), text.index("}\nfeature_config {")
    return text[:start] + text[end:]


def test_an_unknown_model_names_the_nearest() -> None:
    text = replaced(POINTWISE, '"DSSM_SENet"', '"DSMM"')
    assert_reported(
        text,
        "DSMM",
        "my.config:35:3: error: model_config.model_class: ",
        "expected: one of ",
        "DAT, DSSM, DSSM_SENet",
        "nearest:  DSSM",
    )


@pytest.mark.parametrize("registry", [MODELS, LOSSES, METRICS], ids=lambda each: each.kind)
def test_every_spec_has_a_computation(registry: ComponentRegistry) -> None:
    pytest.importorskip("tensorflow")
    assert registry.names()
    for name in registry.names():
        assert callable(registry.get(name)), name


def test_a_model_that_is_not_offered_is_one_error_without_what_follows() -> None:
    start, end = POINTWISE.index("  dssm_senet {"), POINTWISE.index("}\nexport_config")
    other = "  deepfm { dnn { hidden_units: 8 } }\n  num_class: 3\n"
    text = POINTWISE[:start] + other + POINTWISE[end:]
    text = replaced(text, '"DSSM_SENet"', '"DeepFM"')
    errors = [each for each in problems(text) if each.severity == "error"]
    assert [each.path for each in errors] == ["model_config.model_class"]
    assert "DeepFM" in str(errors[0])
    for name in MODELS.names():
        assert name in errors[0].expected


def test_parameters_are_those_of_the_class() -> None:
    text = replaced(POINTWISE, '"DSSM_SENet"', '"DSSM"')
    pieces = ("expected: dssm {...}", "found:    dssm_senet {...}", 'model_class: "DSSM_SENet"')
    assert_reported(text, "  dssm_senet {", *pieces)


def test_a_model_without_parameters() -> None:
    start, end = POINTWISE.index("  dssm_senet {"), POINTWISE.index("}\nexport_config")
    assert "model DSSM_SENet has no parameters" in messages(POINTWISE[:start] + POINTWISE[end:])


def test_match_model_needs_a_backbone_and_others_have_none() -> None:
    start, end = BACKBONE.index("  backbone {"), BACKBONE.index("  model_params")
    assert "a MatchModel has no backbone" in messages(BACKBONE[:start] + BACKBONE[end:])
    text = replaced(LISTWISE, "  dat {", f"{BACKBONE[start:end]}  dat {{")
    assert_reported(text, "  backbone {", "model DAT does not read its backbone")


def test_missing_and_extra_groups() -> None:
    text = replaced(LISTWISE, 'group_name: "item_id_augment"', 'group_name: "item_augment"')
    assert_reported(text, '"item_augment"', "warning", "DAT does not read feature group")
    report = "\n".join(map(str, problems(text)))
    assert "model DAT has no feature group 'item_id_augment'" in report
    assert "nearest:  item_augment" in report


def test_a_group_that_feeds_both_towers_shows_the_ways() -> None:
    text = replaced(BACKBONE, 'feature_group_name: "item"', 'feature_group_name: "user"')
    assert_reported(
        text,
        'feature_groups { group_name: "user"',
        "both towers read feature group 'user'",
        "user_mlp ← user and item_mlp ← user",
    )


def test_the_user_tower_does_not_read_the_item_id() -> None:
    text = replaced(LISTWISE, '"tags", "age"]', '"tags", "age", "item_id"]')
    assert_reported(
        text,
        '"age", "item_id"]',
        "error",
        "group 'user' reads 'item_id', the item's id",
        "the item that it must predict",
    )


def test_the_user_tower_does_not_read_attributes_of_sampled_items() -> None:
    text = replaced(BACKBONE, '"tags", "age"]', '"tags", "age", "cate"]')
    assert_reported(text, '"age", "cate"]', "error", "'cate', an attribute of sampled items")


def test_a_column_of_both_towers_is_doubtful_when_listwise() -> None:
    shared = ('"cate", "price"] }', '"cate", "price", "city"] }')
    text = replaced(without_sampler(LISTWISE), *shared)
    assert_reported(text, '["user_id", "city"', "warning", "'city', which the item tower reads too")
    assert problems(replaced(POINTWISE, *shared)) == []


def test_attention_with_an_item_key_is_the_leak_by_name() -> None:
    attention = (
        "sequence_features { group_name: 's' seq_att_map { key: 'item_id' hist_seq: 'tags' } }"
    )
    text = replaced(LISTWISE, '"tags", "age"] }', f'"tags", "age"]\n    {attention} }}')
    assert_reported(
        text,
        "'item_id'",
        "error",
        "seq_att_map[0].key[0]",
        "attends with key 'item_id', the item's id",
        "the user's latest item",
    )


def test_a_target_of_the_item_is_the_leak_by_name() -> None:
    sequence = (
        "feature_config {\n  features { input_names: 'history' feature_type: SequenceFeature "
        "embedding_dim: 4 hash_bucket_size: 9 }"
    )
    fields = 'data_config {\n  input_fields { input_name: "history" }'
    text = replaced(BACKBONE, "feature_config {", sequence)
    text = replaced(text, "data_config {", fields)
    text = replaced(text, '"tags", "age"]', '"tags", "age", "history", "cate"]')
    assert_reported(
        text,
        '"history", "cate"]',
        "error",
        "gives its sequence the target 'cate', which reads 'cate'",
        "the user's latest item",
        "embedding_name",
    )


def test_a_group_of_a_two_tower_model_is_not_computed_for_sampled_items() -> None:
    text = replaced(LISTWISE, '"tags", "age"] }', '"tags", "age"] negative_sampler: true }')
    assert_reported(text, "negative_sampler: true", "error", "'user'", "MultiTowerRecall")


def test_towers_of_unequal_width() -> None:
    text = replaced(POINTWISE, "hidden_units: [12, 4]", "hidden_units: [12, 5]")
    assert_reported(
        text,
        "[12, 5]",
        "model_config.dssm_senet.item_tower.dnn.hidden_units[1]",
        "unequal width",
        "expected: 4, as in user_tower",
        "found:    5",
    )


def test_towers_without_layers() -> None:
    text = replaced(POINTWISE, "dnn { hidden_units: [12, 4] }", "dnn { use_bn: false }")
    assert_reported(text, "use_bn: false", "item_tower has no layers")
    text = replaced(POINTWISE, "hidden_units: [12, 4]", "hidden_units: [0, 4]")
    assert_reported(text, "[0, 4]", "item_tower has a layer of 0 units")


def test_dropout_is_a_share() -> None:
    text = replaced(POINTWISE, "hidden_units: [12, 4]", "hidden_units: [12, 4] dropout_ratio: 1.0")
    assert_reported(text, "dropout_ratio", "item_tower drops a share of 1")


def test_each_layer_but_the_last_has_its_dropout() -> None:
    text = replaced(
        POINTWISE, "hidden_units: [12, 4]", "hidden_units: [12, 9, 4] dropout_ratio: 0.1"
    )
    assert_reported(text, "dropout_ratio", "2 layers that drop, and 1 dropout ratios")
    assert problems(text.replace("dropout_ratio: 0.1", "dropout_ratio: [0.1, 0]")) == []


def test_a_towers_id_that_is_no_column_is_doubtful() -> None:
    text = replaced(POINTWISE, 'item_tower { id: "item_id"', 'item_tower { id: "itemid"')
    assert_reported(text, '"itemid"', "warning", "nearest:  item_id")


@pytest.mark.parametrize(
    ("dim", "groups", "nearest"), [(15, 2, "14 or 16"), (16, 3, "15 or 18"), (1, 2, "2")]
)
def test_the_senet_needs_dims_that_it_can_cut(dim: int, groups: int, nearest: str) -> None:
    text = replaced(
        POINTWISE, "TagFeature embedding_dim: 8", f"TagFeature embedding_dim: {dim}"
    ).replace("num_squeeze_group: 2", f"num_squeeze_group: {groups}")
    assert_reported(
        text,
        "TagFeature",
        "feature_config.features[2].embedding_dim",
        f"cannot cut feature 'tags' into {groups} parts",
        f"found:    dim {dim}",
        f"nearest:  {nearest}",
    )


def test_options_that_dssm_senet_ignores_are_named() -> None:
    text = replaced(POINTWISE, "COSINE", "COSINE").replace(
        "num_squeeze_group: 2 }\n      dnn { hidden_units: [12",
        "num_squeeze_group: 2 use_skip_connection: true }\n      dnn { hidden_units: [12",
    )
    assert_reported(text, "use_skip_connection", "warning", "no effect in DSSM_SENet")


def test_euclid_is_refused() -> None:
    text = replaced(POINTWISE, "COSINE", "EUCLID")
    assert_reported(text, "EUCLID", "simi_func EUCLID is not offered", "COSINE or INNER_PRODUCT")


def test_a_temperature_that_does_nothing() -> None:
    text = replaced(POINTWISE, "simi_func: COSINE", "simi_func: INNER_PRODUCT temperature: 0.1")
    assert_reported(text, "INNER_PRODUCT", "warning", "temperature has no effect")


def test_a_temperature_is_positive() -> None:
    text = replaced(POINTWISE, "simi_func: COSINE", "temperature: 0")
    assert_reported(text, "temperature", "error", "temperature is 0")


def test_dat_is_cosine_and_listwise() -> None:
    text = replaced(LISTWISE, "temperature: 0.1", "temperature: 0.1 simi_func: INNER_PRODUCT")
    assert_reported(text, "INNER_PRODUCT", "warning", "DAT always uses COSINE")
    text = replaced(LISTWISE, "loss_type: SOFTMAX_CROSS_ENTROPY", "loss_type: L2_LOSS")
    assert_reported(text, "L2_LOSS", "DAT cannot be trained by L2_LOSS", "SOFTMAX_CROSS_ENTROPY")
    text = replaced(LISTWISE, "  loss_type: SOFTMAX_CROSS_ENTROPY\n", "")
    assert any("DAT cannot be trained by CLASSIFICATION" in message for message in messages(text))


def test_dats_augmented_vectors_are_as_wide_as_its_towers() -> None:
    text = replaced(LISTWISE, "hidden_units: [12, 8]", "hidden_units: [12, 6]").replace(
        "hidden_units: [16, 8]", "hidden_units: [16, 6]"
    )
    assert_reported(
        text,
        '"item_id_augment"',
        "not as wide as the output of item_tower",
        "expected: 6",
        "found:    8 (item_id)",
    )


def test_masks_need_an_id() -> None:
    text = replaced(LISTWISE, "temperature: 0.1", "item_id: 'itemid'")
    assert_reported(text, "itemid", "unknown input field in item_id: 'itemid'", "nearest:  item_id")
    text = replaced(LISTWISE, "temperature: 0.1", "mask_sampled_by_item_id: true")
    assert_reported(text, "mask_sampled", "no item id to compare")


def test_something_must_compete() -> None:
    text = without_sampler(LISTWISE)
    assert problems(text) == []
    text = replaced(text, "temperature: 0.1", "ignore_in_batch_neg_sam: true")
    assert_reported(text, "ignore_in_batch", "nothing to learn from")


@pytest.mark.parametrize("loss", ["JRC_LOSS", "ZILN_LOSS", "ORDER_CALIBRATE_LOSS"])
def test_losses_that_are_not_offered(loss: str) -> None:
    text = replaced(POINTWISE, "  dssm_senet {", f"  loss_type: {loss}\n  dssm_senet {{")
    assert_reported(text, f"loss_type: {loss}", f"loss {loss} is not offered", "CLASSIFICATION")


def test_only_a_loss_that_is_not_offered_is_told_not_what_follows_from_it() -> None:
    text = LISTWISE.replace("SOFTMAX_CROSS_ENTROPY", "JRC_LOSS")
    text = text.replace("model_config {", "model_config { softmax { logq: COUNTED }", 1)
    (found,) = problems(text)
    assert found.path == "model_config.loss_type"
    assert "two logits" in found.message


def losses(config: str) -> str:
    return replaced(POINTWISE, "  dssm_senet {", f"  {config}\n  dssm_senet {{")


def test_losses_of_two_kinds_do_not_mix() -> None:
    text = losses("losses { loss_type: SOFTMAX_CROSS_ENTROPY } losses { loss_type: L2_LOSS }")
    assert_reported(text, "L2_LOSS", "losses of one kind", "scores each row alone")


def test_a_loss_has_its_own_parameters_and_name() -> None:
    text = losses("losses { loss_type: L2_LOSS pairwise_loss { margin: 1 } }")
    assert_reported(text, "L2_LOSS", "parameters of PAIR_WISE_LOSS, and loss_type is L2_LOSS")
    text = losses("losses { loss_type: L2_LOSS } losses { loss_type: L2_LOSS }")
    assert_reported(text, "L2_LOSS", "'l2_loss'")
    text = losses("losses { loss_type: L2_LOSS } losses { loss_type: L2_LOSS loss_name: 'b' }")
    assert problems(text) == []


def test_a_session_field_is_a_column() -> None:
    text = losses(
        "losses { loss_type: PAIR_WISE_LOSS pairwise_loss { margin: 1 session_name: 'sid' } }"
    )
    assert_reported(text, "sid", "unknown input field in session_name: 'sid'")


def test_loss_type_beside_losses() -> None:
    text = losses("loss_type: CLASSIFICATION losses { loss_type: L2_LOSS }")
    assert_reported(text, "L2_LOSS", "warning", "loss_type has no effect beside losses")
    text = losses("loss_type: SOFTMAX_CROSS_ENTROPY losses { loss_type: L2_LOSS }")
    assert_reported(text, "L2_LOSS", "error", "contradicts the listed losses")


def test_distillation_reads_columns_and_predictions() -> None:
    kd = "kd {{ pred_name: '{}' soft_label_name: '{}' loss_type: {} }}"
    assert problems(losses(kd.format("logits", "price", "CROSS_ENTROPY_LOSS"))) == []
    text = losses(kd.format("logit", "prise", "CIRCLE_LOSS"))
    assert_reported(
        text,
        "kd {",
        "unknown prediction in pred_name: 'logit'",
        "unknown input field in soft_label_name: 'prise'",
        "nearest:  price",
        "CIRCLE_LOSS is not offered for distillation",
    )


@pytest.mark.parametrize("name", ["rellu", "tf.nn.rellu"])
def test_an_unknown_activation_names_the_nearest(name: str) -> None:
    text = replaced(
        POINTWISE, "hidden_units: [12, 4]", f"hidden_units: [12, 4] activation: '{name}'"
    )
    assert_reported(text, "rellu", f"unknown activation '{name}'", "nearest:  relu")


@pytest.mark.parametrize("name", ["tf.nn.relu", "dice", "linear", "", "tf.keras.activations.gelu"])
def test_known_activations_pass(name: str) -> None:
    text = replaced(
        POINTWISE, "hidden_units: [12, 4]", f"hidden_units: [12, 4] activation: '{name}'"
    )
    assert problems(text) == []


def test_code_in_a_config_is_checked_where_it_stands() -> None:
    text = replaced(
        BACKBONE,
        'feature_group_name: "item" }',
        'feature_group_name: "item"\n input_fn: "lambda x: open(x)" }',
    )
    assert_reported(text, "input_fn", "error", "open")
