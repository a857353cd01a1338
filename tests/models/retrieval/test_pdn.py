"""PDN: which configs are refused, and its logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite import check_config
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.models.assembly import build
from easyrec_lite.models.retrieval.pdn.model import Paths
from tests.e2e import tastes
from tests.e2e.test_pdn import MODEL


def test_the_score_sums_the_real_paths_bias_and_direct_part() -> None:
    real = tf.constant([[True, True, False], [False, False, False]])
    triggers, similarities = tf.constant([[[1.0], [2.0], [9.0]]] * 2), tf.ones([2, 3, 1]) * 0.5
    bias, direct = tf.constant([[0.0], [1.0]]), tf.constant([2.0, -1.0])
    found = Paths(triggers, similarities, bias, direct, real).score.numpy()
    soft = np.log1p(np.exp([[0.0, 2.0], [1.0, -1.0]])).sum(axis=1)
    np.testing.assert_allclose(found, soft + np.array([1.5, 0.0]), rtol=1e-6)


@pytest.mark.parametrize("log_odds", [True, False])
def test_the_loss_is_that_of_its_own_probability_with_log_odds(
    tmp_path: Path, log_odds: bool
) -> None:
    text = MODEL.replace("log_odds: true", "log_odds: " + str(log_odds).lower())
    model: Any = build(tastes.pipeline(tmp_path, text, ranked=False)).model
    z = np.array([1e-12, 0.5, 3.0, 40.0], np.float32)
    paths = Paths(tf.constant(z)[:, None, None], tf.ones([4, 1, 1]), None, None, tf.ones([4, 1]))
    found = model._predictions(paths._replace(real=tf.ones([4, 1], tf.bool)))
    p = -np.expm1(-z.astype(np.float64))
    np.testing.assert_allclose(found["probs"], p, rtol=1e-5)
    expected = np.log(np.maximum(p, 1e-8))
    if log_odds:
        expected = np.log(np.expm1(np.maximum(z.astype(np.float64), 1e-8)))
    np.testing.assert_allclose(found["logits"], expected, rtol=1e-4, atol=1e-6)
    assert np.isfinite(found["logits"]).all()
    assert model.logits(Outputs(found, {}), None) is found["logits"]


@pytest.mark.parametrize(
    ("edits", "names"),
    [
        ({"model_config.pdn.trigger_dnn.hidden_units": [8, 2]}, ["trigger_dnn", "2"]),
        ({"model_config.pdn.u2i_dnn.hidden_units": [4]}, ["u2i_dnn", "user_dnn"]),
        ({"model_config.pdn.i2i_dnn.hidden_units": [4]}, ["i2i_dnn", "item_dnn"]),
        ({"model_config.pdn.direct_item_dnn": None}, ["direct_user_dnn", "direct_item_dnn"]),
        ({"model_config.pdn.bias_dnn": None}, ["bias_dnn", "bias"]),
        ({"model_config.feature_groups[1].feature_names": ["city"]}, ["city", "i_seq"]),
        ({"model_config.feature_groups[3].feature_names": ["kinds"]}, ["kinds", "user"]),
        ({"model_config.loss_type": "SOFTMAX_CROSS_ENTROPY"}, ["PDN"]),
        ({"model_config.loss_type": "L2_LOSS"}, ["PDN", "L2_LOSS"]),
        (
            {"eval_config.full_ranking": {"item_path": "items.txt", "item_id": "item_id"}},
            ["PDN", "rank"],
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_config_that_cannot_be_is_refused(
    tmp_path: Path, edits: dict[str, Any], names: list[str]
) -> None:
    config = tastes.config_file(tmp_path, MODEL, ranked=False)
    found = [p for p in check_config(config, edits) if p.severity == "error"]
    shown = " ".join(f"{p.message} {p.expected} {p.found} {p.path}" for p in found)
    assert found
    assert all(name in shown for name in names), shown


def test_check_says_that_it_has_no_vectors(tmp_path: Path) -> None:
    config = tastes.config_file(tmp_path, MODEL, ranked=False)
    warned = [p.message for p in check_config(config) if p.path == "model_config.model_class"]
    assert len(warned) == 1
    assert "scorer" in warned[0]
