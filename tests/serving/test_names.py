"""Columns, features and groups whose names TensorFlow does not take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

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

# User and item columns: other scripts, signs, words of Python, names that only differ in those.
NAMES = [
    ("用户", "商品"),
    ("user id", "item-id.x"),
    ("self", "class"),
    ("a b", "a_b"),
    ("ID", "id"),
    ("_user", "_item"),
    ("lambda", "name"),
]
CONFIG = """
model_dir: "run" train_input_path: "train.csv" eval_input_path: "train.csv"
train_config { num_steps: 2
  optimizer_config { adam_optimizer { learning_rate {
    constant_learning_rate { learning_rate: 0.01 } } } } }
eval_config { metrics_set { auc {} } }
data_config { batch_size: 8 input_type: CSVInput label_fields: "clk" with_header: true
  input_fields { input_name: "clk" input_type: INT32 }
  FIELDS }
feature_config { FEATURES }
model_config { model_class: "DSSM"
  feature_groups { group_name: "user" feature_names: USERS }
  feature_groups { group_name: "item" feature_names: ITEMS }
  dssm { user_tower { id: "self" dnn { hidden_units: 4 } }
         item_tower { id: "class" dnn { hidden_units: 4 } } } }
"""
FEATURE = 'features { input_names: "%s" feature_type: IdFeature embedding_dim: 4 num_buckets: 20 }'


def config() -> str:
    columns = [name for pair in NAMES for name in pair]
    users, items = ([pair[side] for pair in NAMES] for side in (0, 1))
    parts = {
        "FIELDS": " ".join(f'input_fields {{ input_name: "{name}" }}' for name in columns),
        "FEATURES": " ".join(FEATURE % name for name in columns),
        "USERS": json.dumps(users, ensure_ascii=False),
        "ITEMS": json.dumps(items, ensure_ascii=False),
    }
    text = CONFIG
    for place, value in parts.items():
        text = text.replace(place, value)
    return text


class Made(NamedTuple):
    folder: Path
    estimator: Estimator
    export: Path
    rows: pd.DataFrame


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """One model with all these columns; no two of them hold the same numbers."""
    folder = tmp_path_factory.mktemp("names")
    rng = np.random.default_rng(1)
    cells = {name: rng.integers(0, 20, 24).astype(str) for pair in NAMES for name in pair}
    rows = pd.DataFrame({"clk": np.arange(24) % 2, **cells})
    rows.to_csv(folder / "train.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        estimator = Estimator(loads(config()))
        result = estimator.train_and_evaluate()
    assert result.export
    return Made(folder, estimator, folder / result.export, rows)


def test_any_name_goes_through_export_signatures_and_prediction(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made.folder)
    export, rows = made.export, made.rows
    manifest = json.loads((export / "manifest.json").read_text("utf-8"))
    described = manifest["models"]["scorer"]["inputs"]
    columns = {spec.get("column", name): name for name, spec in described.items()}
    assert columns.keys() == {name for pair in NAMES for name in pair}
    # The raw SavedModel takes the inputs that the manifest names.
    scorer = tf.saved_model.load(str(export / "scorer")).signatures["serving_default"]
    raw = scorer(**{given: tf.constant(rows[name]) for name, given in columns.items()})
    named = SavedModel(export / "scorer")
    same = named(**{name: tf.constant(rows[name]) for name in columns})
    np.testing.assert_array_equal(raw["probs"], same["probs"])
    # Each column reaches its own feature.
    for name in columns:
        other = rows[name].to_numpy()[::-1]
        changed = named(**{n: tf.constant(other if n == name else rows[n]) for n in columns})
        assert np.abs(changed["probs"] - same["probs"]).max() > 0, name
    written = made.estimator.predict(Prediction("train.csv", "out.csv", str(export)))
    assert written == len(rows)
    out = pd.read_csv("out.csv")
    np.testing.assert_allclose(out["probs"], raw["probs"], rtol=1e-5)


def test_one_value_a_row_in_any_form_that_clients_send(made: Made) -> None:
    users = [user for user, _ in NAMES]
    tower = SavedModel(made.export / "user_tower")
    columns = {name: made.rows[name].to_numpy() for name in users}
    flat = tower(**{name: tf.constant(cells) for name, cells in columns.items()})[USER_VECTORS]
    # A loaded signature does not compare shapes with what it is given, nor does a server.
    names = argument_names(["clk", *(name for pair in NAMES for name in pair)])
    serve = tf.saved_model.load(str(made.export / "user_tower")).signatures["serving_default"]

    def served(shape: tuple[int, ...], rows: int = 24) -> np.ndarray:
        given = {name: tf.constant(columns[name][:rows].reshape(shape)) for name in users}
        return serve(**{names[name]: cells for name, cells in given.items()})[USER_VECTORS]

    np.testing.assert_array_equal(served((24, 1)), flat)
    np.testing.assert_allclose(served((), rows=1), flat[:1], rtol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match=": one value a row"):
        served((12, 2))


def test_names_that_are_fine_stay() -> None:
    assert scope_name("item/brand/embedding") == "item/brand/embedding"
    names = ["user_id", "f1", "A"]
    assert argument_names(names) == {name: name for name in names}


def test_an_argument_depends_on_its_column_alone() -> None:
    alone = argument_names(["商品"])["商品"]
    assert argument_names(["x", "商品", "品商"])["商品"] == alone
    assert len(set(argument_names(["品", "商", "品商", "品 商"]).values())) == 4
