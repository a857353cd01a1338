"""DSSM towers without layers: matrix factorization."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite import check_config, load_config
from easyrec_lite.data.rows.values import Ids
from easyrec_lite.models.assembly import build
from tests.models.retrieval.small import LISTWISE, batch, make

CONFIG = "mf_on_taobao.config"


def said(edits: dict[str, Any]) -> list[str]:
    return [f"{each.severity} {each.path} {each}" for each in check_config(CONFIG, edits)]


def test_the_logit_is_the_cosine_of_two_rows() -> None:
    model = build(load_config(CONFIG)).model
    assert set(model.trainable) == {"user/user_id/embedding", "item/adgroup_id/embedding"}
    users, items = np.array([3, 99_999, 3]), np.array([0, 5, 7])
    values = {"user_id": users, "adgroup_id": items}
    served = model.serve({name: Ids(tf.constant(ids, tf.int64)) for name, ids in values.items()})
    rows = [
        model.tables[name].numpy()[ids].astype(np.float64)
        for name, ids in (("user/user_id/embedding", users), ("item/adgroup_id/embedding", items))
    ]
    one, other = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in rows)
    np.testing.assert_allclose(served["logits"], np.sum(one * other, axis=1) / 0.1, rtol=1e-4)
    np.testing.assert_allclose(served["user_tower_emb"], one, rtol=1e-4, atol=1e-6)


def test_one_tower_may_have_layers() -> None:
    towers = 'user_tower { id: "u" dnn { hidden_units: [10] } } item_tower { id: "i" dnn {} }'
    model = make(f'model_class: "DSSM" {LISTWISE} dssm {{ {towers} }}')
    given = batch()
    outputs = model(given, training=True)
    with tf.GradientTape() as tape:
        loss = model.losses(model(given, training=True), given)["cross_entropy_loss"]
    gradients = tape.gradient(loss, [model.tables[t] for t in model.tables if "item/" in t])
    assert outputs.predictions["item_tower_emb"].shape == (8, 10)
    assert all(np.any(tf.convert_to_tensor(each)) for each in gradients)


@pytest.mark.parametrize("units", [None, [16]])
def test_both_sides_are_equally_wide(units: list[int] | None) -> None:
    edits: dict[str, Any] = {"feature_config.features[input_names[0]=user_id].embedding_dim": 16}
    (problem,) = said(edits)
    assert problem.startswith("error model_config.dssm.user_tower.dnn ")
    assert "16 and 32" in problem
    if units:
        edits["model_config.dssm.item_tower.dnn.hidden_units"] = units
        assert said(edits) == []


def test_options_of_layers_have_no_effect() -> None:
    (problem,) = said({"model_config.dssm.user_tower.dnn": {"dropout_ratio": [0.2]}})
    assert problem.startswith("warning model_config.dssm.user_tower.dnn.dropout_ratio")
    (problem,) = said({"model_config.dssm.item_tower.dnn": {"use_bn": True}})
    assert problem.startswith("warning model_config.dssm.item_tower.dnn.use_bn")
