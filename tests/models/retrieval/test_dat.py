"""DAT: augmented towers and mimic losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.models.retrieval.small import LISTWISE, TOWERS, batch, make

AUGMENTED = ("augmented_p_u", "augmented_p_i", "augmented_a_u", "augmented_a_i")


def dat(params: str = "", loss: str = LISTWISE) -> Any:
    return make(f'model_class: "DAT" {loss} dat {{ {TOWERS} {params} }}')


def test_towers_read_their_group_and_then_the_augment_vector() -> None:
    model = dat()
    assert model.user_groups == ("user", "user_id_augment")
    assert model.item_groups == ("item", "item_id_augment")
    v = {name: variable.numpy() for name, variable in model.variables_by_name().items()}
    found = model(batch(sampled=0), training=False).predictions
    for side in ("user", "item"):
        groups = (side, f"{side}_id_augment")
        fields = [f for g in groups for f in model.embeddings(g, batch().features)]
        x = np.concatenate(fields, axis=1)
        x = x @ v[f"{side}_dnn/dnn_0/kernel"] + v[f"{side}_dnn/dnn_0/bias"]
        x = np.maximum(x / np.sqrt(1 + 1e-3), 0)
        x = x @ v[f"{side}_dnn/dnn_1/kernel"] + v[f"{side}_dnn/dnn_1/bias"]
        expected = x / np.linalg.norm(x, axis=1, keepdims=True)
        np.testing.assert_allclose(found[f"{side}_tower_emb"], expected, rtol=1e-4, atol=1e-5)


def test_augment_tables_are_parameters_of_their_own() -> None:
    model = dat()
    own, augment = model.tables["user/user_id/embedding"], "user_id_augment/user_id/embedding"
    assert not np.array_equal(own.numpy(), model.tables[augment].numpy())


@pytest.mark.parametrize("weights", [None, [1.0, 0.0, 2.0, 0.5, 3.0]])
def test_mimic_losses(weights: list[float] | None) -> None:
    model = dat("amm_u_weight: 0.25 amm_i_weight: 2")
    given = batch(weights=None if weights is None else tf.constant(weights))
    outputs = model(given, training=True)
    p_u, p_i, a_u, a_i = (np.asarray(outputs.predictions[name]) for name in AUGMENTED)
    assert (len(p_u), len(p_i), len(a_u), len(a_i)) == (5, 8, 5, 8)
    shares = np.full(5, 0.2) if weights is None else np.array(weights) / np.sum(weights)
    losses = model.losses(outputs, given)
    user = 0.25 * (shares * np.square(a_u - p_i[:5]).mean(1)).sum()
    item = 2 * (shares * np.square(a_i[:5] - p_u).mean(1)).sum()
    assert float(losses["amm_loss_u"]) == pytest.approx(user, rel=1e-5)
    assert float(losses["amm_loss_i"]) == pytest.approx(item, rel=1e-5)


def test_default_weights_are_one_half() -> None:
    halves = dat().losses(dat()(batch(), training=False), batch())
    wholes = dat("amm_u_weight: 1 amm_i_weight: 1")
    found = wholes.losses(wholes(batch(), training=False), batch())
    for name in ("amm_loss_u", "amm_loss_i"):
        assert float(found[name]) == pytest.approx(2 * float(halves[name]))


def test_a_mimic_loss_teaches_the_augment_table_alone() -> None:
    model = dat()
    with tf.GradientTape() as tape:
        loss = model.losses(model(batch(), training=True), batch())["amm_loss_u"]
    trainable = model.trainable
    gradients = dict(zip(trainable, tape.gradient(loss, list(trainable.values())), strict=True))
    learning = {name for name, gradient in gradients.items() if gradient is not None}
    assert learning == {"user_id_augment/user_id/embedding"}


def test_similarity_is_the_cosine_by_temperature_whatever_simi_func_says() -> None:
    found = dat("simi_func: INNER_PRODUCT temperature: 0.1")(batch(), training=False).predictions
    expected = found["user_tower_emb"].numpy() @ found["item_tower_emb"].numpy().T / 0.1
    np.testing.assert_allclose(found["logits"], expected, rtol=1e-4, atol=1e-4)


def test_serving_gives_the_augmented_vectors_too() -> None:
    served = dat().serve(batch().features)
    assert {*AUGMENTED, "logits", "probs", "user_emb", "item_emb"} < set(served)
    assert all(served[name].shape == (5, 4) for name in AUGMENTED)
    np.testing.assert_array_equal(served["augmented_p_u"], served["user_tower_emb"])
