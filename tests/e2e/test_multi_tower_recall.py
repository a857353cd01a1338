"""A whole run of MultiTowerRecall, whose user is attended by the item."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from easyrec_lite.serving.manifest import read_manifest
from tests.e2e import tastes

MODEL = """
  model_class: "MultiTowerRecall" loss_type: CLASSIFICATION embedding_regularization: 1e-6
  feature_groups { group_name: "user" feature_names: "city" negative_sampler: true
    sequence_features { group_name: "past"
      seq_att_map { key: "kind" hist_seq: "kinds" }
      seq_dnn { hidden_units: [8, 1] } } }
  feature_groups { group_name: "item" feature_names: ["item_id", "kind"] }
  multi_tower_recall {
    user_tower { dnn { hidden_units: [16, 8] } } item_tower { dnn { hidden_units: [16, 8] } }
    final_dnn { hidden_units: [16, 8] } l2_regularization: 1e-6
  }
"""
SAMPLER = """negative_sampler { input_path: "{data}/items.txt" num_sample: 3 num_eval_sample: 3
  attr_fields: ["item_id", "kind"] item_id_field: "item_id" }"""


def sampler(folder: Path) -> str:
    return SAMPLER.replace("{data}", str(folder))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("multi_tower_recall")
    tastes.write(made)
    tastes.trained(
        made,
        MODEL,
        ranked=False,
        data_config=sampler(made),
        metrics='metrics_set { auc { } } metrics_set { gauc { uid_field: "user_id" } }',
        # The other rows are clicks alone.
        edits={"eval_input_path": str(made / "train.csv")},
    )
    return made


def test_it_ranks_all_items_better_than_popularity(folder: Path) -> None:
    model, popularity = tastes.recalls_of_pairs(folder)
    assert model > 0.5 > 1.5 * popularity


def test_its_metrics_are_those_of_a_ranking_model(folder: Path) -> None:
    lines = (folder / "model" / "evaluations.jsonl").read_text().splitlines()
    metrics = json.loads(lines[-1])["metrics"]
    assert metrics["auc"] > 0.7
    assert metrics["gauc"] > 0.7


def test_it_exports_a_scorer_alone(folder: Path) -> None:
    (export,) = (folder / "model" / "export" / "final").iterdir()
    assert list(read_manifest(export)["models"]) == ["scorer"]
    scores = tastes.predicted(folder)
    np.testing.assert_allclose(scores.probs, 1 / (1 + np.exp(-scores.logits)), rtol=1e-4)


def test_a_row_has_the_same_score_beside_any_other(folder: Path) -> None:
    together = tastes.predicted(folder).probs.to_numpy()
    rows = pd.read_csv(folder / "test.csv", header=None, dtype=str, keep_default_na=False)
    rows[4] = [row if at == 5 else "kind 0" for at, row in enumerate(rows[4])]
    rows.to_csv(folder / "cut.csv", header=False, index=False)
    apart = tastes.predicted(folder, "scorer", "cut.csv").probs.to_numpy()
    assert together[5] == pytest.approx(apart[5], rel=1e-5)
    assert np.any(np.abs(together - apart) > 1e-3)


def test_a_run_that_is_resumed_ends_as_one_never_stopped(folder: Path) -> None:
    tastes.resumes(folder, MODEL, data_config=sampler(folder))
