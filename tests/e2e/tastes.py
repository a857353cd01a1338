"""Made-up data of users with tastes: whole runs of a retrieval model on it, and what they gave.

Items are in `KINDS` kinds of equal size; a user clicks items of the kinds that he likes. The rows
have a label, the user, a city that hints at his taste, the items and kinds of his history, and the
item with its kind.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from easyrec_lite import predict, recommend, train
from easyrec_lite.checks.check import load_config
from easyrec_lite.config import Pipeline
from easyrec_lite.models.assembly import Parts, build
from easyrec_lite.training.input import BatchInput, ReadPlan
from easyrec_lite.training.optimizer import Optimizer
from easyrec_lite.training.step import Trainer
from tests import commands

KINDS, ITEMS, USERS, LENGTH = 6, 60, 200, 10
CONFIG = """
train_input_path: "{data}/train.csv"
eval_input_path: "{data}/test.csv"
model_dir: "{data}/model"
train_config {{
  optimizer_config {{ adam_optimizer {{ learning_rate {{ constant_learning_rate {{
    learning_rate: 0.01 }} }} }} }}
  num_steps: {steps} save_checkpoints_steps: {steps}
}}
eval_config {{ {metrics} {ranking} }}
data_config {{
  input_type: CSVInput batch_size: 128 label_fields: "clk" {data_config}
  input_fields {{ input_name: "clk" input_type: INT32 }}
  input_fields {{ input_name: "user_id" input_type: INT64 }}
  input_fields {{ input_name: "city" }}
  input_fields {{ input_name: "history" }}
  input_fields {{ input_name: "kinds" }}
  input_fields {{ input_name: "item_id" input_type: INT64 }}
  input_fields {{ input_name: "kind" }}
}}
feature_config {{
  features {{ input_names: "user_id" feature_type: IdFeature embedding_dim: 8 num_buckets: 200 }}
  features {{ input_names: "city" feature_type: IdFeature embedding_dim: 8 hash_bucket_size: 50 }}
  features {{ input_names: "history" feature_type: SequenceFeature sub_feature_type: IdFeature
    separator: "|" embedding_dim: 8 hash_bucket_size: 300 }}
  features {{ input_names: "item_id" feature_type: IdFeature embedding_dim: 8 num_buckets: 60 }}
  features {{ input_names: "kind" feature_type: IdFeature embedding_dim: 8 hash_bucket_size: 50 }}
  features {{ input_names: "kinds" feature_type: SequenceFeature sub_feature_type: IdFeature
    separator: "|" embedding_dim: 8 hash_bucket_size: 50 }}
}}
model_config {{ {model} }}
"""
RANKING = """full_ranking {{
  topk: 10 item_path: "{data}/items.txt" item_id: "item_id" user_id: "user_id" }}"""
COLUMNS = ["clk", "user_id", "city", "history", "kinds", "item_id", "kind"]


def kinds(items: Any) -> Any:
    """Returns the kind of each item."""
    return np.asarray(items) % KINDS


def write(
    folder: Path,
    liked: int = 1,
    negatives: bool = True,
    attributes: str = "{item}:kind {kind}",
) -> np.ndarray:
    """Writes rows and the item table; returns the kinds that each user likes, int [U, liked].

    Args:
      folder: the folder.
      liked: how many kinds a user likes.
      negatives: whether the training rows have items that were not clicked.
      attributes: of an item in the table, in the order of the groups.
    """
    rng = np.random.default_rng(3)
    tastes = np.stack([rng.permutation(KINDS)[:liked] for _ in range(USERS)])
    rows: dict[str, list[list[Any]]] = {"train": [], "test": []}
    for user, taste in enumerate(tastes):
        own = np.flatnonzero(np.isin(kinds(np.arange(ITEMS)), taste))
        chances = 1.0 / (4 + own)
        count = 2 + LENGTH * liked // 2
        clicked = rng.choice(own, count, replace=False, p=chances / chances.sum())
        city = f"city {taste[0]}" if rng.random() < 0.8 else "city ?"
        for place, item in enumerate(clicked):
            history = clicked[:place][-LENGTH:]
            past = ["|".join(map(str, history)), "|".join(f"kind {kinds(at)}" for at in history)]
            kind = f"kind {kinds(item)}"
            part = "test" if place == len(clicked) - 1 else "train"
            rows[part].append([1, user, city, *past, item, kind])
            if negatives and part == "train":
                other = rng.integers(0, ITEMS)
                rows[part].append([0, user, city, *past, other, f"kind {kinds(other)}"])
    order = rng.permutation(len(rows["train"]))
    rows["train"] = [rows["train"][at] for at in order]
    for part, table in rows.items():
        pd.DataFrame(table).to_csv(folder / f"{part}.csv", header=False, index=False)
    lines = [
        f"{item}\t1\t" + attributes.format(item=item, kind=kinds(item)) for item in range(ITEMS)
    ]
    text = "\n".join(["id:int64\tweight:float\tattrs:string", *lines])
    (folder / "items.txt").write_text(text + "\n", encoding="utf-8")
    return tastes


def pipeline(folder: Path, model: str, **more: Any) -> Pipeline:
    """Returns the checked config of a model on the data in `folder`.

    Args:
      folder: the data.
      model: the fields of `model_config`.
      more: other parts of `CONFIG`; `ranked=False` for no full ranking; `edits` of the config.
    """
    return load_config(config_file(folder, model, **more), more.get("edits"))


def config_file(folder: Path, model: str, ranked: bool = True, **more: Any) -> Path:
    """Writes the config of `pipeline`; returns its path."""
    parts = {"metrics": "metrics_set { auc { } }", "data_config": "", "steps": 200}
    parts |= {"ranking": RANKING.format(data=folder) if ranked else "", **more}
    path = folder / "tastes.config"
    path.write_text(CONFIG.format(data=folder, model=model, **parts), encoding="utf-8")
    return path


def trained(folder: Path, model: str, **more: Any) -> Path:
    """Trains and exports a model; returns its folder, `folder/model`."""
    config = config_file(folder, model, **more)
    edits = json.dumps(more.get("edits", {}))
    assert commands.run(train, ["--config", config, "--edit_config_json", edits]) == 0
    return folder / "model"


def recalls(model: Path, k: int = 10) -> dict[str, float]:
    """Returns scorer → recall@k of a run's full ranking, items of the history left out."""
    ranking = json.loads((model / "ranking.json").read_text())
    rows = [row for row in ranking["rows"] if row["seen"] == "excluded"]
    return {row["scorer"]: row["metrics"][f"recall@{k}"] for row in rows}


def predicted(
    folder: Path, model: str = "scorer", rows: str = "test.csv", saved: Path | None = None
) -> pd.DataFrame:
    """Returns what the trained model, or an export of it, predicts for rows, with their columns."""
    output = folder / f"{model}.csv"
    flags = ["--saved_model_dir", saved or folder / "model", "--input_path", folder / rows]
    kept = ["--reserved_cols", ",".join(COLUMNS), "--model", model]
    assert commands.run(predict, [*flags, "--output_path", output, *kept]) == 0
    return pd.read_csv(output)


def recalls_of_pairs(folder: Path, users: int = 60, k: int = 10) -> tuple[float, float]:
    """Returns recall@k of the scorer and of popularity, over all items but those of the history."""
    table = pd.read_csv(folder / "test.csv", header=None, names=COLUMNS).head(users)
    pairs = table.drop(columns=["item_id", "kind"]).merge(
        pd.DataFrame({"item_id": range(ITEMS)}), how="cross"
    )
    pairs["kind"] = [f"kind {kind}" for kind in kinds(pairs.item_id)]
    pairs.to_csv(folder / "pairs.csv", header=False, index=False)
    scores = (
        predicted(folder, "scorer", "pairs.csv").logits.to_numpy(copy=True).reshape(users, ITEMS)
    )
    trained = pd.read_csv(folder / "train.csv", header=None, names=COLUMNS)
    clicked = trained[trained.clk == 1]
    counts = np.bincount(clicked.item_id, minlength=ITEMS)
    found = []
    for each in (scores, np.tile(counts, (users, 1)).astype(float)):
        seen = clicked.groupby("user_id").item_id
        for row, user in enumerate(table.user_id):
            each[row, seen.get_group(user)] = -np.inf
        top = np.argsort(-each, axis=1, kind="stable")[:, :k]
        found.append(float(np.mean(np.any(top == table.item_id.to_numpy()[:, None], axis=1))))
    return found[0], found[1]


def recommended(folder: Path, k: int = 5, saved: Path | None = None) -> list[list[int]]:
    """Returns the items that the trained model, or an export of it, recommends for test rows."""
    output = folder / "recommended.csv"
    flags = ["--saved_model_dir", saved or folder / "model", "--input_path", folder / "test.csv"]
    assert commands.run(recommend, [*flags, "--topk", k, "--output_path", output]) == 0
    found = pd.read_csv(output)
    return [list(items) for _, items in found.groupby(found.columns[0], sort=False)["item_id"]]


def resumes(folder: Path, model: str, **more: Any) -> None:
    """Asserts that training goes on from all its variables as if it had not been stopped."""
    config = pipeline(folder, model, ranked=False, **more)
    parts, trainer = _trainer(config)
    source = BatchInput(
        config,
        config.config.train_input_path,
        parts.transform,
        parts.model.extra_columns,
        parts.candidate_features,
        training=True,
    )
    batches = list(source.batches(32, ReadPlan()).take(4))
    for batch in batches[:2]:
        trainer.train_step(batch)
    stopped = {name: value.numpy() for name, value in trainer.variables_by_name().items()}
    _, resumed = _trainer(config)
    for name, variable in resumed.variables_by_name().items():
        variable.assign(stopped[name])
    for batch in batches[2:]:
        trainer.train_step(batch)
        resumed.train_step(batch)
    for name, variable in resumed.variables_by_name().items():
        whole = trainer.variables_by_name()[name]
        np.testing.assert_array_equal(variable, whole, err_msg=name)


def _trainer(config: Pipeline) -> tuple[Parts, Trainer]:
    parts = build(config)
    trainable, tables = parts.model.trainable, set(parts.model.tables)
    return parts, Trainer(parts.model, Optimizer(config.config.train_config, trainable, tables))
