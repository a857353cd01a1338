"""A user tower that attends with keys of the item: `allow_item_keys`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyrec_lite import check_config, export, recommend
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.models.assembly import build
from easyrec_lite.models.retrieval.encoders import UserEncoder
from easyrec_lite.serving.manifest import read_manifest
from tests import commands
from tests.e2e import tastes
from tests.e2e.test_multi_tower_recall import sampler

KEYS = "model_config.feature_groups[0].sequence_features[0].seq_att_map[0].key[0]"
ALLOW = "model_config.feature_groups[0].sequence_features[0].allow_item_keys"
MODEL = """
  model_class: "DSSM" loss_type: SOFTMAX_CROSS_ENTROPY embedding_regularization: 1e-6
  feature_groups { group_name: "user" feature_names: "city"
    sequence_features { group_name: "past" allow_item_keys: true
      seq_att_map { key: "kind" hist_seq: "kinds" } seq_dnn { hidden_units: [8, 1] } } }
  feature_groups { group_name: "item" feature_names: ["item_id", "kind"] }
  dssm { user_tower { id: "user_id" dnn { hidden_units: [16, 8] } }
    item_tower { id: "item_id" dnn { hidden_units: [16, 8] } } temperature: 0.1 scale_simi: false }
"""
RECALL = "metrics_set { recall_at_topk { topk: 5 } }"


def options(folder: Path, **more: Any) -> dict[str, Any]:
    return {"ranked": False, "metrics": RECALL, "data_config": sampler(folder), **more}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("item_keys")
    tastes.write(made, negatives=False)
    tastes.trained(made, MODEL, **options(made, steps=40))
    return made


def test_it_is_evaluated_within_the_batch_and_exports_a_scorer_alone(folder: Path) -> None:
    lines = (folder / "model" / "evaluations.jsonl").read_text().splitlines()
    assert {"recall@5", "recall_neg_sam@5"} <= json.loads(lines[-1])["metrics"].keys()
    (made,) = (folder / "model" / "export" / "final").iterdir()
    manifest = read_manifest(made)
    assert list(manifest["models"]) == ["scorer"]
    assert "items" not in manifest
    assert np.isfinite(tastes.predicted(folder).logits).all()


def test_a_recommender_is_refused_with_the_reason(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--config", folder / "model" / "pipeline.config", "--export_dir", tmp_path / "out"]
    assert commands.run(export, [*flags, "--item_path", folder / "items.txt"]) == 2
    assert "allow_item_keys" in capsys.readouterr().err
    flags = ["--saved_model_dir", folder / "model", "--input_path", folder / "test.csv"]
    assert commands.run(recommend, [*flags, "--output_path", tmp_path / "found.csv"]) == 2
    shown = capsys.readouterr().err
    assert "allow_item_keys" in shown
    assert "make_item_table" not in shown
    parts = build(tastes.pipeline(folder, MODEL, **options(folder)))
    with pytest.raises(ConfigError, match="allow_item_keys"):
        UserEncoder(parts)


@pytest.mark.parametrize("allowed", [True, False])
def test_check_warns_or_refuses_by_name(folder: Path, allowed: bool) -> None:
    config = tastes.config_file(folder, MODEL, **options(folder))
    (problem,) = [p for p in check_config(config, {ALLOW: allowed}) if p.path == KEYS]
    assert problem.severity == ("warning" if allowed else "error")
    assert "'kind'" in problem.message
    assert "latest item" in problem.remedy


def test_a_full_ranking_is_refused(folder: Path) -> None:
    config = tastes.config_file(folder, MODEL, **options(folder, ranked=True))
    (error,) = [p for p in check_config(config) if p.severity == "error"]
    assert error.path == "eval_config.full_ranking"
    assert "allow_item_keys" in error.message


def test_without_a_key_of_the_item_it_is_said_to_be_of_no_use(folder: Path) -> None:
    config = tastes.config_file(folder, MODEL, **options(folder))
    found = {p.path: p for p in check_config(config, {KEYS: "city"})}
    assert found[ALLOW].severity == "warning"
