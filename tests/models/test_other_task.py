"""A model of another task than retrieval: one probability a row, no vectors, no candidates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from easyrec_lite import predict
from easyrec_lite.checks.check import load_config
from easyrec_lite.checks.specs.model import MODELS, register_model
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.data.rows.values import FeatureValue
from easyrec_lite.features.batch import Batch
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.models.base import Model
from easyrec_lite.reporting.write import write_report
from easyrec_lite.runs.estimator import Estimator
from easyrec_lite.runs.summary import next_commands
from easyrec_lite.serving.folders import find_saved_model
from easyrec_lite.serving.manifest import read_manifest
from easyrec_lite.serving.recommendations import RecommendationOptions, Recommendations
from easyrec_lite.serving.saved_model import SavedModel
from tests.commands import run
from tests.serving import exported

NAME = "ClickRanker"
DSSM = exported.CONFIG[exported.CONFIG.index('  model_class: "DSSM"') :]
RANKER = f"""
  model_class: "{NAME}" loss_type: CLASSIFICATION
  feature_groups {{{{ group_name: "all" feature_names: ["user_id", "city", "item_id", "brand"] }}}}
}}}}
"""


class ClickRanker(Model):
    """Computes `P(click) = sigmoid(w · v)` of a row's joined vectors v."""

    def __init__(self, pipeline: Pipeline, embeddings: Any, seed: int):
        super().__init__(pipeline, embeddings, seed)
        self._dense = keras.layers.Dense(1, name="click")
        self._dense.build((None, embeddings.width("all")))
        self.add_layer(self._dense)

    def serve(self, features: dict[str, FeatureValue]) -> dict[str, tf.Tensor]:
        logits = self._dense(tf.concat(self.embeddings("all", features), axis=-1))[:, 0]
        return {"logits": logits, "probs": tf.sigmoid(logits)}

    def __call__(self, batch: Batch, training: bool) -> Outputs:
        return Outputs(self.serve(batch.features), {})

    def losses(self, outputs: Outputs, batch: Batch) -> dict[str, tf.Tensor]:
        entropies = tf.nn.sigmoid_cross_entropy_with_logits(
            batch.labels["clk"], outputs.predictions["logits"]
        )
        return {"cross_entropy_loss": tf.reduce_mean(entropies)}


@pytest.fixture(scope="module")
def registered() -> Iterator[None]:
    assert MODELS.names()  # those of the package are found before
    with pytest.MonkeyPatch.context() as patch:
        for table in ("_specs", "_computations"):
            patch.setattr(MODELS, table, dict(getattr(MODELS, table)))
        register_model(NAME, task="ranking", message_required=False)(ClickRanker)
        yield


@pytest.fixture(scope="module")
def trained(registered: None, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder with data, a trained model in `model`, and the result of training."""
    folder = tmp_path_factory.mktemp("ranker")
    exported.write_data(folder)
    rows = pd.read_csv(folder / "rows.csv", header=None)
    rows[0] = rows[1] % 2  # every other user clicks
    rows.to_csv(folder / "rows.csv", header=False, index=False)
    return folder, Estimator(pipeline(folder)).train_and_evaluate()


def pipeline(folder: Path, **edits: object) -> Pipeline:
    text = exported.CONFIG.replace(DSSM, RANKER)
    text = text.replace("recall_at_topk {{ topk: 1 }}", "auc {{}}").replace("steps: 5", "steps: 60")
    start = text.index("  negative_sampler")
    text = text[:start] + "}}\n" + text[text.index("feature_config", start) :]
    (folder / "ranker.config").write_text(text.format(data=folder), encoding="utf-8")
    return load_config(folder / "ranker.config", edits)


def test_it_learns_and_is_evaluated(trained: Any) -> None:
    folder, result = trained
    assert not hasattr(ClickRanker, "user_vectors")
    assert result.metrics["auc"] > 0.99
    assert result.metrics["loss/cross_entropy_loss"] < 0.3
    again = Estimator(pipeline(folder)).evaluate()
    assert again["auc"] == pytest.approx(result.metrics["auc"])


def test_it_exports_a_scorer_alone_and_predicts_with_it(trained: Any, capsys: Any) -> None:
    folder, result = trained
    assert list(read_manifest(result.export)["models"]) == ["scorer"]
    assert "scorer" in next_commands(pipeline(folder), result)
    output = folder / "predicted.csv"
    flags = [
        f"--saved_model_dir={folder / 'model'}",
        f"--input_path={folder / 'rows.csv'}",
        f"--output_path={output}",
        "--reserved_cols=clk",
    ]
    assert run(predict, flags) == 0
    table = pd.read_csv(output)
    clicked = table.clk == 1
    assert table.probs[clicked].min() > table.probs[~clicked].max()
    scorer = SavedModel(find_saved_model(folder / "model"))
    columns = {"user_id": [1, 2], "city": ["Wien"] * 2, "item_id": ["é"] * 2, "brand": ["b"] * 2}
    inputs = {name: tf.constant(columns[name], spec.dtype) for name, spec in scorer.inputs.items()}
    probabilities = scorer(**inputs)["probs"].numpy()
    assert probabilities.shape == (2,)
    assert np.all((probabilities > 0) & (probabilities < 1))
    assert run(predict, [*flags, "--model=user_tower"]) == 2
    assert "scorer" in capsys.readouterr().err


def test_what_only_retrieval_has_is_refused_by_name(trained: Any) -> None:
    folder, result = trained
    with pytest.raises(ConfigError, match="no item vectors"):
        Recommendations(result.export, RecommendationOptions())
    with pytest.raises(ConfigError, match=NAME):
        pipeline(folder, **{"eval_config.full_ranking.item_path": str(folder / "items.txt")})


def test_the_report_is_written(trained: Any) -> None:
    folder, _ = trained
    page = write_report(pipeline(folder)).read_text("utf-8")
    assert NAME in page
