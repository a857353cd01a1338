"""A learnt temperature, from training through the checkpoint into an export and back."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.models.assembly import build
from easyrec_lite.runs.estimator import Estimator
from easyrec_lite.serving.saved_model import SavedModel
from easyrec_lite.training.weights import load_weights
from tests.serving import exported

FIRST, LEAST = 0.1, 0.02
EDITS = {
    "model_config.dssm.scale_simi": False,
    "model_config.softmax": {"learn_temperature": True, "min_temperature": LEAST},
}


def test_the_export_scores_by_the_temperature_that_was_learnt(tmp_path: Path) -> None:
    exported.write_data(tmp_path)
    pipeline = exported.pipeline(tmp_path, **EDITS)
    result = Estimator(pipeline).train_and_evaluate()
    assert result.checkpoint
    assert result.export

    parts = build(pipeline)
    assert float(parts.model.shown()["temperature"]) == pytest.approx(FIRST)
    load_weights(result.checkpoint, parts.model, averaged=False)
    learnt = float(parts.model.shown()["temperature"])
    assert learnt == pytest.approx(LEAST + np.exp(parts.model.trainable["log_temperature"]))
    assert abs(learnt - FIRST) > 0.005

    rows = list(csv.reader((tmp_path / "rows.csv").open(encoding="utf-8")))[:7]
    names = ("clk", "user_id", "city", "history", "item_id", "brand", "score")
    texts = {
        name: tf.constant(list(c)) for name, c in zip(names, zip(*rows, strict=True), strict=True)
    }
    columns = {**texts, "user_id": tf.strings.to_number(texts["user_id"], tf.int64)}
    scorer = SavedModel(result.export / "scorer")
    scored = scorer(**{name: columns[name] for name in scorer.inputs})
    cosines = np.sum(scored["user_tower_emb"] * scored["item_tower_emb"], axis=1)
    np.testing.assert_allclose(scored["logits"], cosines / learnt, rtol=1e-4, atol=1e-5)
