"""A whole run of PDN, which scores pairs of a user and an item."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from easyrec_lite.serving.manifest import read_manifest
from tests.e2e import tastes

MODEL = """
  model_class: "PDN" loss_type: CLASSIFICATION
  feature_groups { group_name: "u2i_seq" feature_names: "kinds" }
  feature_groups { group_name: "i_seq" feature_names: ["history", "kinds"] }
  feature_groups { group_name: "i2i_seq" feature_names: "kinds" }
  feature_groups { group_name: "user" feature_names: "city" }
  feature_groups { group_name: "item" feature_names: ["item_id", "kind"] }
  feature_groups { group_name: "bias" feature_names: "kind" }
  pdn {
    user_dnn { hidden_units: 8 } u2i_dnn { hidden_units: 8 }
    trigger_dnn { hidden_units: [8, 1] }
    item_dnn { hidden_units: 8 } i2i_dnn { hidden_units: 8 } sim_dnn { hidden_units: [8, 1] }
    bias_dnn { hidden_units: [4, 1] }
    direct_user_dnn { hidden_units: 4 } direct_item_dnn { hidden_units: 4 }
    log_odds: true
  }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pdn")
    tastes.write(made)
    tastes.trained(made, MODEL, ranked=False)
    return made


def test_it_ranks_all_items_better_than_popularity(folder: Path) -> None:
    model, popularity = tastes.recalls_of_pairs(folder)
    assert model > 0.6 > 1.5 * popularity


def test_it_exports_a_scorer_alone(folder: Path) -> None:
    (export,) = (folder / "model" / "export" / "final").iterdir()
    assert list(read_manifest(export)["models"]) == ["scorer"]
    scores = tastes.predicted(folder)
    np.testing.assert_allclose(scores.probs, 1 / (1 + np.exp(-scores.logits)), rtol=1e-4)
    steps = [len(row.split("|")) for row in scores.history]
    for name in ("trigger_out", "sim_out"):
        numbers = [[float(x) for x in row.split(";")] for row in scores[name].astype(str)]
        assert [len(row) for row in numbers] == steps
        assert all(x >= 0 for row in numbers for x in row)


def test_a_row_has_the_same_score_beside_any_other(folder: Path) -> None:
    together = tastes.predicted(folder).probs.to_numpy()
    rows = pd.read_csv(folder / "test.csv", header=None, dtype=str, keep_default_na=False)
    rows[3] = [row if at == 5 else row.partition("|")[0] for at, row in enumerate(rows[3])]
    rows[4] = [row if at == 5 else row.partition("|")[0] for at, row in enumerate(rows[4])]
    rows.to_csv(folder / "cut.csv", header=False, index=False)
    apart = tastes.predicted(folder, "scorer", "cut.csv").probs.to_numpy()
    assert together[5] == pytest.approx(apart[5], rel=1e-5)
    assert np.any(np.abs(together - apart) > 1e-3)


def test_a_run_that_is_resumed_ends_as_one_never_stopped(folder: Path) -> None:
    tastes.resumes(folder, MODEL)
