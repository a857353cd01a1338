"""A whole run of DropoutNet: users and items with and without preferences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.serving.folders import find_saved_model
from easyrec_lite.serving.manifest import read_manifest
from easyrec_lite.serving.saved_model import SavedModel
from tests.e2e import tastes

MODEL = """
  model_class: "DropoutNet"
  losses { loss_type: CLASSIFICATION }
  losses { loss_type: SOFTMAX_CROSS_ENTROPY_WITH_NEGATIVE_MINING }
  feature_groups { group_name: "user_content" feature_names: "city" }
  feature_groups { group_name: "user_preference" feature_names: "user_id" }
  feature_groups { group_name: "item_content" feature_names: "kind" }
  feature_groups { group_name: "item_preference" feature_names: "item_id" }
  dropoutnet {
    user_content { hidden_units: 16 } user_preference { hidden_units: 16 }
    item_content { hidden_units: 16 } item_preference { }
    user_tower { hidden_units: [16, 8] } item_tower { hidden_units: [16, 8] }
    user_dropout_rate: 0.3 item_dropout_rate: 0.3 l2_regularization: 1e-6
    softmax_loss { num_negative_samples: 8 gamma: 10 }
  }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("dropoutnet")
    tastes.write(made, attributes="kind {kind}:{item}")
    tastes.trained(made, MODEL)
    return made


def test_it_beats_popularity(folder: Path) -> None:
    found = tastes.recalls(folder / "model")
    assert found["model"] > 0.7 > 1.5 * found["popularity"]


def test_it_predicts_and_recommends(folder: Path) -> None:
    scores = tastes.predicted(folder)
    np.testing.assert_allclose(scores.probs, 1 / (1 + np.exp(-scores.similarity)), atol=1e-5)
    lists = tastes.recommended(folder)
    assert np.mean(tastes.kinds(lists) == tastes.kinds(scores.item_id)[:, None]) > 0.7
    (export,) = (folder / "model" / "export" / "final").iterdir()
    assert set(read_manifest(export)["models"]) == {
        "scorer",
        "user_tower",
        "item_tower",
        "recommender",
    }


def test_a_new_item_is_found_by_its_content(folder: Path) -> None:
    """Its preference column is empty, which is the vector 0 that dropped rows have in training."""
    tower = SavedModel(find_saved_model(folder / "model", "item_tower"))
    names = tf.constant([f"kind {kind}" for kind in range(tastes.KINDS)])
    known = np.arange(tastes.ITEMS)
    kinds = tf.constant([f"kind {kind}" for kind in tastes.kinds(known)])
    old = tower(item_id=tf.constant(known), kind=kinds)["item_tower_emb"].numpy()
    new = tower(item_id=tf.fill([tastes.KINDS], tf.constant(-1, tf.int64)), kind=names)
    nearest = (new["item_tower_emb"].numpy() @ old.T).argsort(axis=1)[:, -5:]
    assert np.mean(tastes.kinds(nearest) == np.arange(tastes.KINDS)[:, None]) > 0.8


def test_a_run_that_is_resumed_ends_as_one_never_stopped(folder: Path) -> None:
    tastes.resumes(folder, MODEL)
