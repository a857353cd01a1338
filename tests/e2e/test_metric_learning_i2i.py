"""A whole run of CoMetricLearningI2I: items that one user clicks are neighbours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite import check_config, export
from easyrec_lite.features.batch import Batch
from easyrec_lite.models.assembly import build
from easyrec_lite.serving.manifest import read_manifest
from easyrec_lite.training.input import BatchInput, ReadPlan
from tests import commands
from tests.e2e import tastes

MODEL = """
  model_class: "CoMetricLearningI2I" loss_type: CIRCLE_LOSS
  feature_groups { group_name: "item" feature_names: "item_id" }
  feature_groups { group_name: "side" feature_names: "kind" }
  metric_learning {
    input: "item" highway { input: "side" emb_size: 4 } session_id: "user_id"
    dnn { hidden_units: [16, 8] use_bn: false }
    l2_regularization: 1e-6 item_id: "item_id" circle_loss { gamma: 16 }
  }
"""
METRICS = "metrics_set { recall_at_topk { topk: 3 } } metrics_set { precision_at_topk { topk: 3 } }"
OPTIONS: dict[str, Any] = {"metrics": METRICS, "ranked": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("i2i")
    tastes.write(made, negatives=False)
    edits = {"eval_input_path": str(made / "train.csv"), "export_config.exporter_type": "none"}
    config = tastes.trained(made, MODEL, **OPTIONS, edits=edits) / "pipeline.config"
    flags = ["--config", config, "--item_path", made / "items.txt", "--export_dir", made / "out"]
    assert commands.run(export, flags) == 0
    return made


def test_it_finds_items_of_the_same_taste(folder: Path) -> None:
    found = tastes.recommended(folder, 10, folder / "out")
    rows = tastes.predicted(folder, saved=folder / "out")
    assert [items[0] for items in found] == list(rows.item_id)
    alike = tastes.kinds(found) == tastes.kinds(rows.item_id)[:, None]
    # Of an item's 10 alike, itself among them; the most popular items find a sixth.
    assert alike.mean() > 0.6
    result = json.loads((folder / "model" / "eval_result.json").read_text())
    assert {"recall@3", "MAP@3", "loss/circle_loss"} <= result.keys()


def test_it_exports_vectors_of_items(folder: Path) -> None:
    (made,) = [path for path in (folder / "out").iterdir() if path.is_dir()]
    manifest = read_manifest(made)
    assert set(manifest["models"]) == {"scorer", "user_tower", "item_tower", "recommender"}
    assert manifest["items"]["count"] == tastes.ITEMS
    rows = tastes.predicted(folder, saved=folder / "out")
    vectors = np.array([row.split(",") for row in rows.norm_embedding], np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    plain = np.array([row.split(",") for row in rows.embedding], np.float32)
    normal = plain / np.linalg.norm(plain, axis=1, keepdims=True)
    np.testing.assert_allclose(normal, vectors, rtol=1e-4, atol=1e-5)


def test_a_run_that_is_resumed_ends_as_one_never_stopped(folder: Path) -> None:
    tastes.resumes(folder, MODEL, metrics=METRICS)


def test_ids_of_sessions_are_compared_exactly(tmp_path: Path) -> None:
    """As float32, 2^24 and 2^24 + 1 are one number."""
    model: Any = build(tastes.pipeline(tmp_path, MODEL, **OPTIONS)).model
    sessions = tf.constant([1 << 24, (1 << 24) + 1, 1 << 24], tf.int64)
    batch = Batch({}, {"clk": tf.ones([3])}, extra={"user_id": sessions})
    expected = [[True, False, True], [False, True, False], [True, False, True]]
    assert model._alike(batch).numpy().tolist() == expected


def test_a_session_of_texts_may_be_a_label_field(tmp_path: Path) -> None:
    tastes.write(tmp_path)
    found = []
    for kind in ("INT64", "STRING"):
        edits = {
            "data_config.label_fields": ["clk", "user_id"],
            "data_config.input_fields[1].input_type": kind,
            # A feature would tell the session.
            "feature_config.features[0].feature_name": "unused",
            "feature_config.features[0].input_names": ["item_id"],
        }
        config = tastes.config_file(tmp_path, MODEL, **OPTIONS)
        assert [p for p in check_config(config, edits) if p.severity == "error"] == []
        parts = build(tastes.pipeline(tmp_path, MODEL, **OPTIONS, edits=edits))
        path, columns = parts.pipeline.config.train_input_path, parts.model.extra_columns
        source = BatchInput(parts.pipeline, path, parts.transform, columns, (), training=True)
        batch = next(iter(source.batches(50, ReadPlan())))
        assert ("user_id" in batch.labels) == (kind == "INT64")
        found.append(parts.model(batch, True).predictions["alike"].numpy())
    np.testing.assert_array_equal(*found)
    assert 50 < found[0].sum() < found[0].size


@pytest.mark.parametrize(
    ("edits", "names"),
    [
        (
            {
                "data_config.label_fields": ["city", "user_id"],
                "model_config.metric_learning.session_id": "user_id",
            },
            ["city", "STRING"],
        ),
        ({"model_config.metric_learning.input": "itm"}, ["itm", "item"]),
        ({"model_config.metric_learning.session_id": "user"}, ["user", "user_id"]),
        ({"model_config.loss_type": "CLASSIFICATION"}, ["CIRCLE_LOSS", "MULTI_SIMILARITY_LOSS"]),
        ({"model_config.loss_type": "MULTI_SIMILARITY_LOSS"}, ["circle_loss"]),
        ({"model_config.metric_learning.dnn.hidden_units": []}, ["dnn"]),
        ({"model_config.metric_learning.highway[0].emb_size": 0}, ["emb_size"]),
        ({"eval_config.metrics_set": [{"auc": {}}]}, ["auc", "recall_at_topk"]),
        ({"data_config.label_fields": ["user_id"]}, ["label"]),
        ({"eval_config.full_ranking.item_path": "items.txt"}, ["own item"]),
        ({"model_config.losses": [{"loss_type": "CIRCLE_LOSS"}]}, ["one loss"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_config_that_cannot_be_is_refused(
    tmp_path: Path, edits: dict[str, Any], names: list[str]
) -> None:
    config = tastes.config_file(tmp_path, MODEL, **OPTIONS)
    found = [p for p in check_config(config, edits) if p.severity == "error"]
    shown = " ".join(f"{p.message} {p.expected} {p.found} {p.nearest} {p.path}" for p in found)
    assert found
    assert all(name in shown for name in names), shown
