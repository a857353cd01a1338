"""A whole run of the sequence model on users who walk along a Markov chain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from easyrec_lite import predict, recommend, train
from easyrec_lite.checks.check import load_config
from easyrec_lite.datasets.interactions import make
from easyrec_lite.serving.saved_model import SavedModel
from tests import commands
from tests.e2e.resuming import assert_goes_on

CONFIG = "sequence_match_on_movielens.config"
ITEMS, USERS, LENGTH = 60, 400, 12


def walks(path: Path) -> np.ndarray:
    """Writes users who go from item i to one of two items, which i alone decides, int [U, L]."""
    rng = np.random.default_rng(4)
    following = np.stack([rng.permutation(ITEMS), rng.permutation(ITEMS)], axis=1)
    steps = [rng.integers(0, ITEMS, USERS)]
    for _ in range(LENGTH - 1):
        steps.append(following[steps[-1], rng.integers(0, 2, USERS)])
    users = np.stack(steps, axis=1)
    lines = [f"u{row} " + " ".join(map(str, user)) for row, user in enumerate(users)]
    path.write_text("\n".join(lines) + "\n")
    return following


def edits(folder: Path, steps: int, saved: int) -> dict[str, Any]:
    rate = "train_config.optimizer_config[0].adam_optimizer.learning_rate.constant_learning_rate"
    return {
        "train_input_path": str(folder / "train.csv"),
        "eval_input_path": str(folder / "test.csv"),
        "eval_config.full_ranking.item_path": str(folder / "items.txt"),
        "eval_config.full_ranking.topk": [2],
        "eval_config.full_ranking.seen_path": "",
        "feature_config.features[0].embedding_dim": 16,
        "feature_config.features[1].embedding_dim": 16,
        "feature_config.features[0].num_buckets": ITEMS,
        "feature_config.features[1].num_buckets": ITEMS,
        "model_config.sequence_match.num_layers": 1,
        "train_config.num_steps": steps,
        "train_config.save_checkpoints_steps": saved,
        f"{rate}.learning_rate": 0.01,
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("walks")
    following = walks(folder / "walks.txt")
    make(folder / "walks.txt", folder)
    model = folder / "model"
    flags = ["--config", CONFIG, "--model_dir", model]
    edited = json.dumps(edits(folder, 120, 120))
    assert commands.run(train, [*flags, "--edit_config_json", edited]) == 0
    return folder, model, following


def test_it_finds_the_order_that_a_bag_of_items_does_not_have(trained: Any) -> None:
    _, model, _ = trained
    ranking = json.loads((model / "ranking.json").read_text())
    rates = {
        row["scorer"]: row["metrics"]["hit_rate@2"]
        for row in ranking["rows"]
        if row["seen"] == "kept"
    }
    assert rates["model"] > 0.9 > 5 * rates["popularity"]


def test_the_served_vector_is_that_of_the_row_alone(trained: Any) -> None:
    _, model, _ = trained
    (export,) = (model / "export" / "final").iterdir()
    tower = SavedModel(export / "user_tower")
    histories = ["1|2|3|4|5", "", "7", "9|9"]
    together = tower(history=np.array(histories, object))["user_tower_emb"].numpy()
    for row, history in enumerate(histories):
        alone = tower(history=np.array([history], object))["user_tower_emb"].numpy()
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-4, atol=1e-5)


def test_recommendations_follow_the_last_item(trained: Any, tmp_path: Path) -> None:
    folder, model, following = trained
    users = [f"{(item * 7) % ITEMS}|{item}" for item in range(0, ITEMS, 6)]
    rows = pd.DataFrame({"user_id": "x", "history": users, "item_id": "0"})
    rows.to_csv(folder / "users.csv", header=False, index=False)
    output = tmp_path / "found.csv"
    flags = ["--saved_model_dir", str(model), "--input_path", str(folder / "users.csv")]
    assert commands.run(recommend, [*flags, "--topk", "2", "--output_path", str(output)]) == 0
    found = pd.read_csv(output)
    lists = [set(items) for _, items in found.groupby(found.columns[0], sort=False)["item_id"]]
    expected = [set(following[item0].tolist()) for item0 in range(0, ITEMS, 6)]
    shared = [len(a & b) / len(b) for a, b in zip(lists, expected, strict=True)]
    assert np.mean(shared) > 0.8


def test_prediction_scores_the_rows_item(trained: Any, tmp_path: Path) -> None:
    folder, model, _ = trained
    output = tmp_path / "scores.csv"
    flags = ["--saved_model_dir", str(model), "--input_path", str(folder / "test.csv")]
    assert commands.run(predict, [*flags, "--output_path", str(output)]) == 0
    scores = pd.read_csv(output)
    assert len(scores) == USERS
    assert np.isfinite(scores["logits"]).all()


def test_a_run_that_is_resumed_ends_as_one_never_stopped(trained: Any, tmp_path: Path) -> None:
    folder, _, _ = trained
    few = {**edits(folder, 8, 4), "train_config.log_step_count_steps": 2}
    assert_goes_on(lambda model: load_config(CONFIG, {**few, "model_dir": str(model)}), tmp_path, 4)
