"""Whole runs of MIND: users with two interests, searched with two vectors and with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyrec_lite.runs.estimator import Estimator
from easyrec_lite.serving.folders import find_saved_model
from easyrec_lite.serving.manifest import read_manifest
from easyrec_lite.serving.saved_model import SavedModel
from tests.e2e import tastes

MODEL = """
  model_class: "MIND" loss_type: SOFTMAX_CROSS_ENTROPY
  feature_groups { group_name: "hist" feature_names: "kinds" }
  feature_groups { group_name: "user" feature_names: "city" }
  feature_groups { group_name: "item" feature_names: ["item_id", "kind"] }
  mind {
    user_dnn { hidden_units: 4 } concat_dnn { hidden_units: [16, 2] }
    item_dnn { hidden_units: [16, 2] }
    capsule_config { max_k: 2 max_seq_len: 12 high_dim: 8 const_caps_num: true squash_pow: 0.1 }
    simi_pow: 20 scale_simi: false temperature: 0.1 l2_regularization: 0 item_id: "item_id"
  }
"""
SAMPLER = """negative_sampler {{
  input_path: "{data}/items.txt" num_sample: 30 item_id_field: "item_id"
  attr_fields: ["item_id", "kind"] }}"""
# The history reads the item's table.
SHARED = {f"feature_config.features[{at}].embedding_name": "kind" for at in (4, 5)}


def options(folder: Path) -> dict[str, Any]:
    metrics = "metrics_set { recall_at_topk { topk: 5 } }"
    return {"data_config": SAMPLER.format(data=folder), "metrics": metrics, "edits": SHARED}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("mind")
    tastes.write(made, liked=2, negatives=False)
    tastes.trained(made, MODEL, steps=150, **options(made))
    return made


def evaluated(folder: Path, model: str, place: str) -> None:
    """Trains a model in a folder of its own, without export and report."""
    edits = {"model_dir": str(folder / place), "export_config.exporter_type": "none"}
    more = options(folder) | {"edits": {**SHARED, **edits}}
    Estimator(tastes.pipeline(folder, model, steps=150, **more)).train_and_evaluate()


def test_two_interests_beat_one_and_popularity(folder: Path) -> None:
    one = MODEL.replace("max_k: 2", "max_k: 1")
    evaluated(folder, one, "one")
    two, single = tastes.recalls(folder / "model"), tastes.recalls(folder / "one")
    assert two["model"] > 1.1 * single["model"]
    assert two["model"] > 1.5 * two["popularity"]


def test_two_heads_of_self_attention_beat_one_and_popularity(folder: Path) -> None:
    attention = MODEL.replace("squash_pow: 0.1", "extractor: SELF_ATTENTION")
    assert attention != MODEL
    for heads in (1, 2):
        evaluated(folder, attention.replace("max_k: 2", f"max_k: {heads}"), f"heads {heads}")
    one, two = (tastes.recalls(folder / f"heads {heads}") for heads in (1, 2))
    assert two["model"] > 1.05 * one["model"]
    assert two["model"] > 1.5 * two["popularity"]


def test_it_is_exported_with_all_interests(folder: Path) -> None:
    (export,) = (folder / "model" / "export" / "final").iterdir()
    manifest = read_manifest(export)
    assert set(manifest["models"]) == {"scorer", "user_tower", "item_tower", "recommender"}
    assert manifest["items"]["count"] == tastes.ITEMS
    scores = tastes.predicted(folder)
    assert all(text.count("|") == 1 and text.count(",") == 2 for text in scores.user_emb)
    liked = [set(tastes.kinds([int(x) for x in row.split("|")])) for row in scores.history]
    lists = tastes.recommended(folder, 10)
    right = [np.isin(tastes.kinds(x), list(y)).mean() for x, y in zip(lists, liked, strict=True)]
    assert np.mean(right) > 0.5  # a third of the items are of the kinds that a user likes


def test_a_user_has_the_same_interests_beside_any_other(folder: Path) -> None:
    tower = SavedModel(find_saved_model(folder / "model", "user_tower"))
    histories = ["|".join(f"kind {k % 6}" for k in range(13)), "", "kind 4", "kind 1|kind 1|x"]
    cities = ["city 1", "", "x", "city 2"]
    together = tower(kinds=np.array(histories, object), city=np.array(cities, object))
    for row, (history, city) in enumerate(zip(histories, cities, strict=True)):
        alone = tower(kinds=np.array([history], object), city=np.array([city], object))
        found, expected = alone["user_tower_emb"][0], together["user_tower_emb"][row]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        assert np.isfinite(found).all()


def test_a_run_that_is_resumed_ends_as_one_never_stopped(folder: Path) -> None:
    tastes.resumes(folder, MODEL, **options(folder))
