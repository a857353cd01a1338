"""Columns, features and groups whose names TensorFlow does not take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from easyrec_lite.config import loads
from easyrec_lite.core.names import argument_names, scope_name
from easyrec_lite.runs.estimator import Estimator
from easyrec_lite.serving.predict import Prediction
from easyrec_lite.serving.recommender import USER_VECTORS
from easyrec_lite.serving.saved_model import SavedModel

CASES = {
    "chinese": ("用户", "商品"),
    "space-dash-dot": ("user id", "item-id.x"),
    "self": ("self", "class"),
    "collision": ("a b", "a_b"),
    "case": ("ID", "id"),
    "underscore": ("_user", "_item"),
    "keyword": ("lambda", "name"),
}
CONFIG = """
model_dir: "run" train_input_path: "train.csv" eval_input_path: "train.csv"
train_config { num_steps: 2
  optimizer_config { adam_optimizer { learning_rate {
    constant_learning_rate { learning_rate: 0.01 } } } } }
eval_config { metrics_set { auc {} } }
data_config { batch_size: 8 input_type: CSVInput label_fields: "clk" with_header: true
  input_fields { input_name: "clk" input_type: INT32 }
  input_fields { input_name: "USER" } input_fields { input_name: "ITEM" } }
feature_config {
  features { input_names: "USER" feature_type: IdFeature embedding_dim: 4 hash_bucket_size: 20 }
  features { input_names: "ITEM" feature_type: IdFeature embedding_dim: 4 hash_bucket_size: 20 } }
model_config { model_class: "DSSM"
  feature_groups { group_name: "user" feature_names: "USER" }
  feature_groups { group_name: "item" feature_names: "ITEM" }
  dssm { user_tower { id: "USER" dnn { hidden_units: 4 } }
         item_tower { id: "ITEM" dnn { hidden_units: 4 } } } }
"""


def made(case: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Estimator, Path, Any]:
    user, item = CASES[case]
    rows = pd.DataFrame(
        {
            "clk": [i % 2 for i in range(24)],
            user: [f"u{i % 5}" for i in range(24)],
            item: [f"i{i % 7}" for i in range(24)],
        }
    )
    rows.to_csv(folder / "train.csv", index=False)
    monkeypatch.chdir(folder)
    estimator = Estimator(loads(CONFIG.replace("USER", user).replace("ITEM", item)))
    result = estimator.train_and_evaluate()
    assert result.export
    return estimator, result.export, rows


@pytest.mark.parametrize("case", CASES)
def test_any_name_goes_through_export_signatures_and_prediction(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimator, export, rows = made(case, tmp_path, monkeypatch)
    user, item = CASES[case]
    manifest = json.loads((export / "manifest.json").read_text("utf-8"))
    described = manifest["models"]["scorer"]["inputs"]
    columns = {spec.get("column", name): name for name, spec in described.items()}
    assert columns.keys() == {user, item}
    # The raw SavedModel takes the inputs that the manifest names.
    scorer = tf.saved_model.load(str(export / "scorer")).signatures["serving_default"]
    raw = scorer(**{columns[name]: tf.constant(rows[name]) for name in (user, item)})
    named = SavedModel(export / "scorer")
    same = named(**{name: tf.constant(rows[name]) for name in (user, item)})
    np.testing.assert_array_equal(raw["probs"], same["probs"])
    written = estimator.predict(Prediction("train.csv", "out.csv", str(export)))
    assert written == len(rows)
    out = pd.read_csv("out.csv")
    np.testing.assert_allclose(out["probs"], raw["probs"], rtol=1e-5)


def test_one_value_a_row_in_any_form_that_clients_send(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, export, rows = made("self", tmp_path, monkeypatch)
    tower = SavedModel(export / "user_tower")
    flat = tower(self=tf.constant(rows["self"]))[USER_VECTORS]
    # A loaded signature does not compare shapes with what it is given, nor does a server.
    name = argument_names(["clk", "self", "class"])["self"]
    serve = tf.saved_model.load(str(export / "user_tower")).signatures["serving_default"]
    column = rows["self"].to_numpy()[:, None]
    served = serve(**{name: tf.constant(column)})[USER_VECTORS]
    np.testing.assert_array_equal(served, flat)
    one = serve(**{name: tf.constant(rows["self"][0])})[USER_VECTORS]
    np.testing.assert_allclose(one, flat[:1], rtol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="self: one value a row"):
        serve(**{name: tf.constant(np.repeat(column, 2, axis=1))})


def test_names_that_are_fine_stay() -> None:
    assert scope_name("item/brand/embedding") == "item/brand/embedding"
    names = ["user_id", "f1", "A"]
    assert argument_names(names) == {name: name for name in names}


def test_an_argument_depends_on_its_column_alone() -> None:
    alone = argument_names(["商品"])["商品"]
    assert argument_names(["x", "商品", "品商"])["商品"] == alone
    assert len(set(argument_names(["品", "商", "品商", "品 商"]).values())) == 4
