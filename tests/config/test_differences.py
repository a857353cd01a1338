"""The differences of two configs, at paths that an edit takes."""

from __future__ import annotations

from typing import Any

import pytest

from easyrec_lite.config import load
from easyrec_lite.config.differences import Difference, differences

CONFIG = "dssm_senet_on_taobao.config"


def found(edits: dict[str, Any], base: dict[str, Any] | None = None) -> list[Difference]:
    configs = [load(CONFIG, each).config for each in (base or {}, edits)]
    return list(differences(*configs))


def test_equal_configs_have_none() -> None:
    assert found({}) == []
    assert found({"train_config.seed": 17}, {"train_config.seed": 17}) == []


def test_a_default_that_is_written_is_no_difference() -> None:
    before = load(CONFIG).config
    edits = {"eval_config.eval_online": False, "model_config.softmax.logq": "OFF"}
    assert [each.path for each in found(edits) if each.path != "model_config.softmax"] == []
    assert not before.eval_config.HasField("eval_online")


EDITS = {
    "model_dir": "näme/数",
    "train_config.num_steps": 7,
    "data_config.shuffle": False,
    "model_config.softmax.logq": "COUNTED",
    "model_config.embedding_regularization": 0.0001,
    "feature_config.features[input_names[0]=brand].embedding_dim": 5,
    "data_config.input_fields[input_name=price].input_type": "FLOAT",
    "model_config.dssm_senet.item_tower.dnn.hidden_units": [64, 32],
    "eval_config.full_ranking.topk": [5, 10],
    "train_config.optimizer_config[0].adam_optimizer.beta1": 0.8,
}


@pytest.mark.parametrize("path", EDITS)
def test_a_path_and_its_value_are_the_edit_that_makes_the_difference(path: str) -> None:
    (difference,) = found({path: EDITS[path]})
    assert difference.path == path
    value: Any = difference.after
    if isinstance(EDITS[path], list):
        value = [part.strip() for part in value.strip("[]").split(",")]
    assert load(CONFIG, {path: value}).config == load(CONFIG, {path: EDITS[path]}).config
    (back,) = differences(
        load(CONFIG, EDITS | {path: EDITS[path]}).config,
        load(CONFIG, {k: v for k, v in EDITS.items() if k != path}).config,
    )
    assert (back.before, back.after) == (difference.after, difference.before)


def test_elements_are_compared_by_name_when_one_is_added() -> None:
    feature = {"input_names": ["price"], "feature_type": "RawFeature"}
    before = load(CONFIG).config
    after = load(CONFIG).config.__class__()
    after.CopyFrom(before)
    first = after.feature_config.features[0]
    inserted = type(first)(input_names=feature["input_names"])
    rest = [inserted, *after.feature_config.features]
    del after.feature_config.features[:]
    after.feature_config.features.extend(rest)
    (difference,) = differences(before, after)
    assert difference.path == "feature_config.features[input_names[0]=price]"
    assert (difference.before, "price" in difference.after) == ("(not set)", True)


def test_another_model_is_one_message_in_place_of_another() -> None:
    one = load("dssm_on_movielens.config").config
    other = load("dssm_senet_on_movielens.config").config
    paths = {each.path: each for each in differences(one, other)}
    assert paths["model_config.dssm"].after == "(not set)"
    assert paths["model_config.dssm_senet"].before == "(not set)"


def test_enums_booleans_and_floats_are_written_as_in_a_config() -> None:
    shown = {each.path: each.after for each in found(EDITS)}
    assert shown["model_config.softmax.logq"] == "COUNTED"
    assert shown["data_config.shuffle"] == "false"
    assert shown["model_config.embedding_regularization"] == "0.0001"
