"""A whole run of a tower that attends to its user's history by the user's latest item."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from easyrec_lite import recommend, train
from easyrec_lite.checks.check import load_config
from easyrec_lite.serving.saved_model import SavedModel
from tests import commands
from tests.e2e.resuming import assert_goes_on

ITEMS, USERS, LENGTH = 40, 600, 5
DIM = "hash_bucket_size: 2000 embedding_dim: 8 embedding_name: 'item'"
CONFIG = f"""
train_input_path: "train.csv" eval_input_path: "test.csv"
train_config {{ num_steps: 300 save_checkpoints_steps: 150
  optimizer_config {{ adam_optimizer {{ learning_rate {{
    constant_learning_rate {{ learning_rate: 0.01 }} }} }} }} }}
eval_config {{
  metrics_set {{ recall_at_topk {{ topk: 2 }} }}
  full_ranking {{ topk: [2] item_path: "items.csv" item_id: "item" user_id: "user" }} }}
data_config {{ batch_size: 100 input_type: CSVInput label_fields: "clk" with_header: true
  input_fields {{ input_name: "clk" input_type: INT32 }}
  input_fields {{ input_name: "user" }} input_fields {{ input_name: "latest" }}
  input_fields {{ input_name: "clicks" }} input_fields {{ input_name: "item" }} }}
feature_config {{
  features {{ input_names: "latest" {DIM} }} features {{ input_names: "item" {DIM} }}
  features {{ input_names: "clicks" feature_type: SequenceFeature {DIM} drop_empty_steps: true }} }}
model_config {{ model_class: "DSSM" loss_type: SOFTMAX_CROSS_ENTROPY
  embedding_regularization: 1e-6
  feature_groups {{ group_name: "user" feature_names: "latest" wide_deep: DEEP
    sequence_features {{ group_name: "history"
      seq_att_map {{ key: "latest" hist_seq: "clicks" }}
      seq_dnn {{ hidden_units: [8, 1] }} }} }}
  feature_groups {{ group_name: "item" feature_names: "item" wide_deep: DEEP }}
  dssm {{ user_tower {{ id: "user" dnn {{ hidden_units: [32, 16] }} }}
    item_tower {{ id: "item" dnn {{ hidden_units: [32, 16] }} }}
    simi_func: COSINE temperature: 0.1 item_id: "item" }} }}
"""


def write(folder: Path) -> np.ndarray:
    """Writes rows whose item is one of two that the latest item decides; returns which, [I, 2]."""
    rng = np.random.default_rng(5)
    following = np.stack([rng.permutation(ITEMS), rng.permutation(ITEMS)], axis=1)
    names = [f"物品{item}" for item in range(ITEMS)]
    for name, rows in (("train.csv", USERS * 4), ("test.csv", USERS)):
        latest = rng.integers(0, ITEMS, rows)
        before = rng.integers(0, ITEMS, (rows, LENGTH))
        lengths = rng.integers(0, LENGTH + 1, rows)
        item = following[latest, rng.integers(0, 2, rows)]
        clicks = [
            "|".join(names[step] for step in [*row[:length], last][: LENGTH + 1])
            for row, length, last in zip(before, lengths, latest, strict=True)
        ]
        pd.DataFrame(
            {
                "clk": 1,
                "user": [f"u{row}" for row in range(rows)],
                "latest": [names[i] for i in latest],
                "clicks": clicks,
                "item": [names[i] for i in item],
            }
        ).to_csv(folder / name, index=False)
    lines = [f"{name}\t1\t{name}" for name in names]
    header = "id:string\tweight:float\tfeature:string"
    (folder / "items.csv").write_text("\n".join([header, *lines]) + "\n")
    return following


def paths(folder: Path) -> dict[str, str]:
    return {
        "train_input_path": str(folder / "train.csv"),
        "eval_input_path": str(folder / "test.csv"),
        "eval_config.full_ranking.item_path": str(folder / "items.csv"),
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("attention")
    following = write(folder)
    config = folder / "pipeline.config"
    config.write_text(CONFIG)
    flags = ["--config", config, "--model_dir", folder / "model"]
    assert commands.run(train, [*flags, "--edit_config_json", json.dumps(paths(folder))]) == 0
    return folder, folder / "model", following


def test_it_learns_what_follows_the_latest_item(trained: Any) -> None:
    _, model, _ = trained
    rows = json.loads((model / "ranking.json").read_text())["rows"]
    rates = {row["scorer"]: row["metrics"]["hit_rate@2"] for row in rows}
    assert rates["model"] > 0.8 > 5 * rates["popularity"]


def test_a_served_user_is_the_same_alone_and_beside_longer_histories(trained: Any) -> None:
    _, model, _ = trained
    (export,) = (model / "export" / "final").iterdir()
    tower = SavedModel(export / "user_tower")
    columns = {
        "latest": np.array(["物品1", "", "物品7", "nobody"], object),
        "clicks": np.array(["物品3|物品1", "", "物品1|物品2|物品3|物品4|物品7", "x"], object),
    }
    together = tower(**columns)["user_tower_emb"].numpy()
    assert np.isfinite(together).all()
    for row in range(4):
        alone = tower(**{name: values[row : row + 1] for name, values in columns.items()})
        np.testing.assert_allclose(alone["user_tower_emb"][0], together[row], atol=1e-5)


def test_recommendations_are_what_follows(trained: Any, tmp_path: Path) -> None:
    _, model, following = trained
    user = json.dumps({"latest": "物品3", "clicks": ["物品9", "物品3"]})
    output = tmp_path / "found.csv"
    asked = ["--saved_model_dir", str(model), "--user", user, "--topk", "2"]
    assert commands.run(recommend, [*asked, "--output_path", str(output)]) == 0
    found = set(pd.read_csv(output)["item_id"])
    assert found & {f"物品{item}" for item in following[3]}


def test_resumed_as_never_stopped(trained: Any, tmp_path: Path) -> None:
    folder, _, _ = trained
    steps = {"num_steps": 8, "save_checkpoints_steps": 4, "log_step_count_steps": 2}
    edits = {**paths(folder), **{f"train_config.{name}": value for name, value in steps.items()}}
    config = folder / "pipeline.config"
    assert_goes_on(
        lambda model: load_config(config, {**edits, "model_dir": str(model)}), tmp_path, 4
    )
