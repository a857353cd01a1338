"""A checkpoint whose weights mean something else under a changed config of equal shapes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyrec_lite.config import loads
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.runs.estimator import Estimator

CONFIG = """
model_dir: "run" train_input_path: "train.csv" eval_input_path: "train.csv"
train_config { num_steps: 4
  optimizer_config { adam_optimizer { learning_rate {
    constant_learning_rate { learning_rate: 0.01 } } } } }
eval_config { metrics_set { auc {} } }
data_config { batch_size: 8 input_type: CSVInput label_fields: "clk"
  input_fields { input_name: "clk" input_type: INT32 }
  input_fields { input_name: "buy" input_type: INT32 }
  input_fields { input_name: "user_id" } input_fields { input_name: "city" }
  input_fields { input_name: "tags" } input_fields { input_name: "price" input_type: FLOAT }
  input_fields { input_name: "item_id" input_type: INT32 } }
feature_config {
  features { input_names: "user_id" feature_type: IdFeature embedding_dim: 4 hash_bucket_size: 20 }
  features { input_names: "city" feature_type: IdFeature embedding_dim: 4 vocab_list: ["a", "b"] }
  features { input_names: "tags" feature_type: TagFeature embedding_dim: 4 hash_bucket_size: 9 }
  features { input_names: "price" feature_type: RawFeature embedding_dim: 4 boundaries: [1, 2] }
  features { input_names: "item_id" feature_type: IdFeature embedding_dim: 4 num_buckets: 20 } }
model_config { model_class: "DSSM"
  feature_groups { group_name: "user" feature_names: ["user_id", "city", "tags", "price"] }
  feature_groups { group_name: "item" feature_names: "item_id" }
  loss_type: CLASSIFICATION
  dssm { user_tower { id: "user_id" dnn { hidden_units: 4 } }
         item_tower { id: "item_id" dnn { hidden_units: 4 } } } }
"""
# A change that leaves every shape as it is → the part that is named.
MEANINGS = {
    "vocabulary": ('["a", "b"]', '["b", "a"]', "city: vocabulary"),
    "order of features": ('["user_id", "city"', '["city", "user_id"', "group user"),
    "hash to buckets": ("hash_bucket_size: 20", "num_buckets: 20", "user_id: num_buckets"),
    "boundaries": ("boundaries: [1, 2]", "boundaries: [1, 3]", "price: boundaries"),
    "separator": ("hash_bucket_size: 9", 'hash_bucket_size: 9 separator: ";"', "tags: separator"),
    "default": ('"city"', '"city" default_val: "a"', "city: type of city"),
    "label": ('label_fields: "clk"', 'label_fields: "buy"', "label"),
    "loss": (
        "loss_type: CLASSIFICATION",
        "loss_type: SOFTMAX_CROSS_ENTROPY",
        "losses",
    ),
}
ORDERS = {
    "seed": ("num_steps: 4", "num_steps: 4 seed: 7", "seed"),
    "batch size": ("batch_size: 8", "batch_size: 4", "batch_size"),
    "files": ('train_input_path: "train.csv"', 'train_input_path: "more.csv"', "training data"),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    rng = np.random.default_rng(5)
    rows = [
        f"{i % 2},{i % 3 % 2},u{i % 7},{'ab'[i % 2]},x|y,{rng.random() * 3:.2f},{i % 20}\n"
        for i in range(40)
    ]
    (folder / "train.csv").write_text("".join(rows))
    (folder / "more.csv").write_text("".join(rows[::-1]))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Estimator(loads(CONFIG)).train()
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(trained, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def changed(old: str, new: str, more: str = "") -> Estimator:
    assert old in CONFIG
    text = CONFIG.replace(old, new, 1)
    if "SOFTMAX" in new:
        text = text.replace("auc {}", "recall_at_topk {}")
    return Estimator(loads(text.replace("num_steps: 4", f"num_steps: 8 {more}"), "new.config"))


@pytest.mark.parametrize("case", MEANINGS)
def test_a_changed_meaning_is_refused_by_all_that_restore(case: str, folder: Path) -> None:
    old, new, part = MEANINGS[case]
    before = (folder / "run" / "pipeline.config").read_bytes()
    for act in (
        lambda: changed(old, new).train(),
        lambda: changed(old, new).evaluate(),
        lambda: changed(old, new).export(folder / "export"),
    ):
        with pytest.raises(ConfigError) as caught:
            act()
        assert part in str(caught.value), case
        assert "new.config" in str(caught.value)
        assert "accept_changed_config" in str(caught.value)
    assert (folder / "run" / "pipeline.config").read_bytes() == before
    assert not (folder / "export").exists()
    assert Estimator(loads(CONFIG)).evaluate()


def test_a_changed_meaning_is_used_when_the_config_accepts_it(folder: Path) -> None:
    old, new, _ = MEANINGS["vocabulary"]
    assert changed(old, new, "accept_changed_config: true").train().step == 8


@pytest.mark.parametrize("case", ORDERS)
def test_a_changed_order_is_said(case: str, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    old, new, part = ORDERS[case]
    assert changed(old, new).train().step == 8
    assert any(part in line for line in caplog.messages), caplog.messages


def test_the_same_config_goes_on_without_a_word(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert changed("num_steps: 4", "num_steps: 4").train().step == 8
    assert not [line for line in caplog.messages if "changed" in line]


def fine_tuned(text: str) -> Any:
    text = text.replace('model_dir: "run"', 'model_dir: "tuned"')
    text = text.replace("num_steps: 4", 'num_steps: 1 fine_tune_checkpoint: "run"')
    return Estimator(loads(text, "new.config")).train()


def test_fine_tuning_compares_what_both_configs_have(folder: Path) -> None:
    old, new, part = MEANINGS["vocabulary"]
    with pytest.raises(ConfigError) as caught:
        fine_tuned(CONFIG.replace(old, new, 1))
    assert part in str(caught.value)
    more = CONFIG.replace(
        "feature_config {",
        'feature_config { features { input_names: "price" feature_name: "cost" '
        "feature_type: RawFeature embedding_dim: 4 boundaries: [1, 2] } ",
    )
    assert fine_tuned(more).step == 1
