"""A whole run of the sequence model whose steps have a time gap and an action beside the item."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from easyrec_lite import load_config, recommend, train
from easyrec_lite.features.transform import FeatureTransform
from easyrec_lite.serving.saved_model import SavedModel
from tests import commands

ITEMS, USERS, LENGTH = 30, 400, 12
COLUMNS = ["user_id", "history", "gaps", "actions", "item_id"]
STEPS = 'feature_type: SequenceFeature separator: "|" step_order: OLDEST_FIRST'
CONFIG = f"""
train_input_path: "DATA/train.csv" eval_input_path: "DATA/test.csv" model_dir: "DATA/model"
train_config {{ num_steps: 200 save_checkpoints_steps: 200
  optimizer_config {{ adam_optimizer {{ learning_rate {{
    constant_learning_rate {{ learning_rate: 0.01 }} }} }} }} }}
eval_config {{ full_ranking {{
  topk: 1 item_path: "DATA/items.txt" item_id: "item_id" user_id: "user_id" }} }}
data_config {{ batch_size: 64 input_type: CSVInput num_epochs: 0
  {" ".join(f'input_fields {{ input_name: "{name}" }}' for name in COLUMNS)} }}
feature_config {{
  features {{ input_names: "item_id" feature_type: IdFeature
    num_buckets: {ITEMS} embedding_dim: 16 embedding_name: "item" }}
  features {{ input_names: "history" sub_feature_type: IdFeature {STEPS}
    num_buckets: {ITEMS} embedding_dim: 16 embedding_name: "item" }}
  features {{ input_names: "gaps" sub_feature_type: RawFeature {STEPS}
    boundaries: [3600, 86400] embedding_dim: 4 }}
  features {{ input_names: "actions" sub_feature_type: IdFeature {STEPS}
    hash_bucket_size: 100 embedding_dim: 4 drop_empty_steps: true }} }}
model_config {{ model_class: "SequenceMatch" loss_type: SOFTMAX_CROSS_ENTROPY
  feature_groups {{ group_name: "user" feature_names: ["history", "gaps", "actions"] }}
  feature_groups {{ group_name: "item" feature_names: "item_id" }}
  sequence_match {{ num_layers: 1 num_heads: 2 max_seq_len: 20 hidden_dropout_prob: 0 }} }}
"""


def write(folder: Path) -> np.ndarray:
    """Writes users whose next item follows from a step's item, gap and action.

    Returns the item after item i, with a long gap g (0 or 1) before it, and action a: int [I, 2, 2]
    at [i, g, a].
    """
    rng = np.random.default_rng(7)
    following = np.stack([rng.permutation(ITEMS) for _ in range(4)], axis=1).reshape(ITEMS, 2, 2)
    long, bought = rng.integers(0, 2, (2, USERS, LENGTH))
    item = [rng.integers(0, ITEMS, USERS)]
    for step in range(LENGTH):
        item.append(following[item[-1], long[:, step], bought[:, step]])
    seconds = np.where(long, rng.integers(90_000, 10**6, long.shape), rng.integers(1, 3000))
    for name, length in (("train", LENGTH - 1), ("test", LENGTH)):
        rows = [
            [
                f"u{user}",
                "|".join(str(each[user]) for each in item[:length]),
                "|".join(map(str, seconds[user, :length])),
                "|".join("购买" if each else "click" for each in bought[user, :length]),
                item[length][user],
            ]
            for user in range(USERS)
        ]
        pd.DataFrame(rows).to_csv(folder / f"{name}.csv", header=False, index=False)
    lines = [f"{each}\t1\t{each}" for each in range(ITEMS)]
    table = "\n".join(["id:int64\tweight:float\tattrs:string", *lines])
    (folder / "items.txt").write_text(table + "\n")
    return following


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("steps")
    following = write(folder)
    config = folder / "steps.config"
    config.write_text(CONFIG.replace("DATA", str(folder)), encoding="utf-8")
    assert commands.run(train, ["--config", config]) == 0
    return folder, following


def test_the_next_item_follows_from_gap_and_action_too(trained: Any) -> None:
    folder, _ = trained
    ranking = json.loads((folder / "model" / "ranking.json").read_text())
    (rate,) = (
        row["metrics"]["hit_rate@1"]
        for row in ranking["rows"]
        if row["scorer"] == "model" and row["seen"] == "kept"
    )
    # The item alone leaves four; gap or action without the other two.
    assert rate > 0.7


def test_served_from_raw_columns(trained: Any, tmp_path: Path) -> None:
    folder, following = trained
    asked = [
        (item, gap, action, following[item, int(gap > 3600), int(action == "购买")])
        for item in range(0, ITEMS, 5)
        for gap in (60, 500_000)
        for action in ("click", "购买")
    ]
    rows = [["x", f"1|{item}", f"0|{gap}", f"click|{action}", 0] for item, gap, action, _ in asked]
    pd.DataFrame(rows).to_csv(tmp_path / "users.csv", header=False, index=False)
    flags = ["--saved_model_dir", folder / "model", "--input_path", tmp_path / "users.csv"]
    output = ["--topk", "1", "--output_path", tmp_path / "found.csv"]
    assert commands.run(recommend, [*flags, *output]) == 0
    found = pd.read_csv(tmp_path / "found.csv").item_id.to_numpy()
    assert np.mean(found == [item for *_, item in asked]) > 0.7


def test_a_served_row_is_read_as_long_as_its_history(trained: Any) -> None:
    """A request without gaps or actions is answered: they are 0 where they are missing."""
    folder, _ = trained
    (export,) = (folder / "model" / "export" / "final").iterdir()
    tower = SavedModel(export / "user_tower")

    def vectors(gaps: str, actions: str) -> np.ndarray:
        columns = {"history": ["1|2", "3"], "gaps": [gaps, "5"], "actions": [actions, "click"]}
        given = {name: np.array(cells, object) for name, cells in columns.items()}
        found: np.ndarray = tower(**given)["user_tower_emb"].numpy()
        return found

    whole = vectors("1|2", "click|click")
    for gaps, actions in (("", ""), ("1", "click|click"), ("1|2|3", "click")):
        other = vectors(gaps, actions)
        assert np.isfinite(other).all()
        np.testing.assert_allclose(other[1], whole[1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(vectors("1|2|3", "click|click|购买"), whole, rtol=1e-4, atol=1e-5)


def test_a_row_with_sequences_of_unequal_lengths_is_a_bad_row(tmp_path: Path) -> None:
    config = tmp_path / "steps.config"
    config.write_text(CONFIG.replace("DATA", str(tmp_path)), encoding="utf-8")
    transform = FeatureTransform(load_config(config))
    rows = {"history": ["1|2", "1|2", "", "3"], "gaps": ["1|2", "1", "", "3"]}
    rows |= {"actions": ["a|b", "a|b", "", ""], "item_id": ["0"] * 4}
    columns = {name: tf.constant(cells) for name, cells in rows.items()}
    (lengths,) = [e for e in transform.expectations(columns) if "steps" in e.message]
    assert lengths.met.numpy().tolist() == [True, False, True, False]
    with pytest.raises(tf.errors.InvalidArgumentError):
        transform(columns)
