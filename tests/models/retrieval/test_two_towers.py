"""What two-tower models share: head, candidates, losses, masks, serving, variables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.checks.specs.model import MODELS
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.losses.outputs import Outputs
from tests.models.retrieval.small import (
    LISTWISE,
    SENET_TOWERS,
    batch,
    dssm,
    item_features,
    make,
    user_features,
)


def array(tensor: Any) -> np.ndarray:
    return np.asarray(tensor, np.float64)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def towers(model: Any, given: Any) -> tuple[np.ndarray, np.ndarray]:
    found = model(given, training=False).predictions
    return array(found["user_tower_emb"]), array(found["item_tower_emb"])


def test_listwise_logits_are_scaled_cosines() -> None:
    model = dssm("temperature: 0.2")
    found = model(batch(), training=False).predictions
    user, items = array(found["user_tower_emb"]), array(found["item_tower_emb"])
    assert user.shape == (5, 4)
    assert items.shape == (8, 4)
    np.testing.assert_allclose(np.linalg.norm(user, axis=1), 1, rtol=1e-5)
    w, b = (model.trainable[name].numpy() for name in ("sim_w", "sim_b"))
    assert w[0] < 0 or b[0] != 0
    logits = user @ items.T / 0.2 * abs(w) + b
    np.testing.assert_allclose(found["logits"], logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["probs"], np.exp(log_softmax(logits)), rtol=1e-3, atol=1e-6)


def test_inner_product_knows_no_temperature_and_no_norm() -> None:
    model = dssm("simi_func: INNER_PRODUCT temperature: 0.2 scale_simi: false")
    user, items = towers(model, batch())
    assert not np.allclose(np.linalg.norm(user, axis=1), 1)
    assert "sim_w" not in model.trainable
    logits = model(batch(), training=False).predictions["logits"]
    np.testing.assert_allclose(logits, user @ items.T, rtol=1e-4, atol=1e-5)


def test_listwise_losses_with_weights() -> None:
    weights = np.array([1, 0, 2, 0.5, 3])
    model = dssm("temperature: 0.5")
    given = batch(weights=tf.constant(weights, tf.float32))
    outputs = model(given, training=False)
    losses = model.losses(outputs, given)
    logits = array(outputs.predictions["logits"])
    hits = -np.diag(log_softmax(logits))
    shares = weights / weights.sum()
    user, items = towers(model, given)
    positives = np.maximum(-(user * items[:5]).sum(1), 0)
    assert positives.any()
    assert set(losses) == {"cross_entropy_loss", "reg_pos_loss"}
    assert float(losses["cross_entropy_loss"]) == pytest.approx((shares * hits).sum(), rel=1e-4)
    assert float(losses["reg_pos_loss"]) == pytest.approx((shares * positives).sum(), rel=1e-4)


def test_the_weight_of_a_single_listed_loss_counts() -> None:
    listed = "losses { loss_type: SOFTMAX_CROSS_ENTROPY weight: 3 }"
    one, three = (
        model.losses(model(batch(), training=False), batch())
        for model in (dssm(), dssm(model=listed))
    )
    assert float(three["cross_entropy_loss"]) == pytest.approx(3 * float(one["cross_entropy_loss"]))


def test_training_makes_no_logits_and_adds_regularisation() -> None:
    model = dssm("l2_regularization: 0.3", f"{LISTWISE} embedding_regularization: 0.2")
    given = batch()
    outputs = model(given, training=True)
    assert set(outputs.predictions) == {"user_tower_emb", "item_tower_emb"}
    expected = sum(
        0.3 / 2 * np.square(variable.numpy()).sum()
        for name, variable in model.trainable.items()
        if name.endswith("kernel")
    )
    for group, features in (
        ("user", given.features),
        ("item", {**item_features(0, 8)}),
    ):
        for field in model.embeddings(group, features):
            expected += 0.2 / 2 * np.square(array(field)).sum()
    losses = model.losses(outputs, given)
    assert float(losses["regularization_loss"]) == pytest.approx(expected, rel=1e-5)
    outside = model.losses(model(given, training=False), given)
    assert "regularization_loss" not in outside


def test_raw_numbers_are_not_regularised() -> None:
    model = dssm("l2_regularization: 0", f"{LISTWISE} embedding_regularization: 1", raw=True)
    penalties = model(batch(), training=True).penalties
    fields = model.embeddings("user", batch().features)[:2]
    expected = sum(np.square(array(field)).sum() for field in fields) / 2
    assert float(penalties["user"]) == pytest.approx(expected, rel=1e-5)
    assert "kernels" not in penalties


def masked(model: Any, given: Any) -> np.ndarray:
    return np.isneginf(model(given, training=False).predictions["logits"])


def test_masks_of_the_config() -> None:
    ids = tf.constant(["a", "b", "a", "c", ""])
    extra = {"extra": {"item_id": ids}, "negative_extra": {"item_id": tf.constant(["b", "x", "a"])}}
    given = batch(**extra)
    by_id = np.zeros((5, 8), bool)
    by_id[0, 2] = by_id[2, 0] = True
    sampled_too = by_id.copy()
    sampled_too[0, 7] = sampled_too[2, 7] = sampled_too[1, 5] = True
    only_sampled = np.zeros((5, 8), bool)
    only_sampled[:, :5] = ~np.eye(5, dtype=bool)
    item = 'item_id: "item_id"'
    for params, expected in (
        ("", np.zeros((5, 8), bool)),
        (item, by_id),
        (f"{item} mask_sampled_by_item_id: true", sampled_too),
        ("ignore_in_batch_neg_sam: true", only_sampled),
        (
            f"{item} ignore_in_batch_neg_sam: true mask_sampled_by_item_id: true",
            only_sampled | sampled_too,
        ),
    ):
        model = dssm(params)
        assert model.extra_columns == (("item_id",) if "item_id:" in params else ())
        np.testing.assert_array_equal(masked(model, given), expected, err_msg=params)


def test_masking_by_id_without_a_sampler() -> None:
    given = batch(sampled=0, extra={"item_id": tf.constant([1, 1, 2, 3, 2])})
    assert masked(dssm('item_id: "item_id"'), given).sum() == 4


def test_hard_negatives_compete_in_their_rows() -> None:
    hard = masked(dssm(), batch(hard_pairs=tf.constant([[2, 1]], tf.int64)))
    assert sorted(np.argwhere(hard).tolist()) == [[0, 6], [1, 6], [3, 6], [4, 6]]


def test_no_sampled_items_and_one_row() -> None:
    model = dssm()
    for rows in (5, 1):
        given = batch(rows, sampled=0)
        outputs = model(given, training=True)
        assert model.logits(outputs, given).shape == (rows, rows)
        assert np.isfinite(float(model.losses(outputs, given)["cross_entropy_loss"]))


def test_pointwise_classification_ignores_sampled_items() -> None:
    model = dssm(model="")
    given = batch(weights=tf.constant([1.0, 2, 0, 1, 1]))
    found = model(given, training=False).predictions
    user, item = array(found["user_tower_emb"]), array(found["item_tower_emb"])
    assert item.shape == (5, 4)
    w, b = (model.trainable[name].numpy() for name in ("sim_w", "sim_b"))
    logits = (user * item).sum(1) * abs(w) + b
    np.testing.assert_allclose(found["logits"], logits, rtol=1e-4)
    probs = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(found["probs"], probs, rtol=1e-5)
    labels = np.array([0, 1, 0, 1, 0])
    rows = -np.log(np.where(labels, probs, 1 - probs)) * [1, 2, 0, 1, 1]
    losses = model.losses(Outputs(found, {}), given)
    assert set(losses) == {"cross_entropy_loss"}
    assert float(losses["cross_entropy_loss"]) == pytest.approx(rows.sum() / 4, rel=1e-4)


def test_regression_predicts_y() -> None:
    model = dssm(model="loss_type: L2_LOSS")
    outputs = model(batch(), training=True)
    assert {"y"} == set(outputs.predictions) - {"user_tower_emb", "item_tower_emb"}
    y = array(outputs.predictions["y"])
    expected = np.square(y - [0, 1, 0, 1, 0]).mean()
    assert float(model.losses(outputs, batch())["l2_loss"]) == pytest.approx(expected, rel=1e-4)
    assert "y" in model.serve(batch().features)


def test_several_losses_and_a_teacher() -> None:
    model = dssm(
        model="""losses { loss_type: CLASSIFICATION weight: 0.5 }
        losses { loss_type: PAIR_WISE_LOSS pairwise_loss { margin: 0 session_name: "s" } }
        kd { pred_name: "logits" soft_label_name: "t" loss_type: L2_LOSS loss_name: "kd" }"""
    )
    assert model.extra_columns == ("s", "t")
    given = batch(extra={"s": tf.constant([1, 1, 1, 2, 2]), "t": tf.zeros([5])})
    outputs = model(given, training=False)
    losses = model.losses(outputs, given)
    logits = array(outputs.predictions["logits"])
    pairs = [(1, 0), (1, 2), (3, 4)]
    expected = np.mean([np.log1p(np.exp(logits[j] - logits[i])) for i, j in pairs])
    assert float(losses["pair_wise_loss"]) == pytest.approx(expected, rel=1e-4)
    assert float(losses["kd"]) == pytest.approx(np.square(logits).mean(), rel=1e-4)
    alone = dssm(model="")
    whole = alone.losses(alone(given, training=False), given)["cross_entropy_loss"]
    assert float(losses["cross_entropy_loss"]) == pytest.approx(float(whole) / 2, rel=1e-5)


def test_a_teacher_may_be_a_label_field() -> None:
    model = dssm(
        model='kd { pred_name: "logits" soft_label_name: "clk" loss_type: L2_LOSS loss_name: "k" }'
    )
    assert model.extra_columns == ()
    assert "k" in model.losses(model(batch(), training=False), batch())


def test_a_session_may_be_a_label_field() -> None:
    """It is compared as it is read; as float32, all of these large ids are one."""
    model = dssm(
        model="losses { loss_type: PAIR_WISE_LOSS loss_name: 'p' "
        "pairwise_loss { session_name: 'clk' } }"
    )
    assert model.extra_columns == ("clk",)
    found = []
    for sessions in (tf.ones([5], tf.int64), tf.range(5, dtype=tf.int64) + 2**53):
        rows = batch()._replace(extra={"clk": sessions})
        found.append(float(model.losses(model(rows, training=False), rows)["p"]))
    assert found[0] > 0
    assert found[1] == 0


def test_serving_scores_row_by_row() -> None:
    model = dssm("temperature: 0.1")
    served = model.serve(batch().features)
    evaluated = model(batch(), training=False).predictions
    logits = np.diag(array(evaluated["logits"]))
    np.testing.assert_allclose(served["logits"], logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(served["probs"], 1 / (1 + np.exp(-logits)), rtol=1e-4)
    for side in ("user", "item"):
        vectors = served[f"{side}_tower_emb"].numpy()
        text = served[f"{side}_emb"].numpy()
        read = [[float(number) for number in row.split(b",")] for row in text]
        np.testing.assert_allclose(read, vectors, atol=1e-6)


def test_the_sides_alone_give_the_served_vectors() -> None:
    model = dssm()
    served = model.serve(batch().features)
    user = model.user_vectors(user_features(5)).vectors[:, 0]
    item = model.item_vectors(item_features(0, 5))
    np.testing.assert_allclose(user, served["user_tower_emb"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(item, served["item_tower_emb"], rtol=1e-5, atol=1e-6)
    assert (model.user_groups, model.item_groups) == (("user",), ("item",))


def test_all_variables_are_there_from_the_start_and_no_others_come() -> None:
    params = 'user_tower { dnn { dropout_ratio: 0.5 activation: "prelu" } }'
    model = dssm(params)
    names = set(model.variables_by_name())
    model(batch(), training=True)
    assert set(model.variables_by_name()) == names
    assert {
        "user/tags/embedding",
        "item/brand/embedding",
        "user_dnn/dnn_0/kernel",
        "user_dnn/dnn_0/bn/moving_mean",
        "user_dnn/dnn_0/activation/alpha",
        "user_dnn/seed_generator_0",
        "item_dnn/dnn_1/bias",
        "sim_w",
        "sim_b",
    } <= names
    assert set(dssm(params).variables_by_name()) == names
    assert names - set(model.trainable) == {
        *(f"{s}_dnn/dnn_0/bn/moving_{m}" for s in ("user", "item") for m in ("mean", "variance")),
        "user_dnn/seed_generator_0",
    }
    assert set(model.tables) < set(model.trainable)


@pytest.mark.parametrize("model_class", ["DSSM", "DSSM_SENet"])
def test_every_trainable_weight_learns_in_a_graph(model_class: str) -> None:
    field = model_class.lower()
    towers = SENET_TOWERS if field == "dssm_senet" else ""
    model = (
        make(f'model_class: "{model_class}" {LISTWISE} {field} {{ {towers} temperature: 0.3 }}')
        if towers
        else dssm("temperature: 0.3")
    )

    @tf.function
    def gradients() -> dict[str, Any]:
        with tf.GradientTape() as tape:
            losses = model.losses(model(batch(), training=True), batch())
            total = tf.add_n(list(losses.values()))
        trainable = model.trainable
        return dict(zip(trainable, tape.gradient(total, list(trainable.values())), strict=True))

    for name, gradient in gradients().items():
        unread = name.startswith(("user_id_augment", "item_id_augment"))
        if unread or name == "sim_b":
            assert gradient is None, name
        else:
            assert np.any(array(tf.convert_to_tensor(gradient))), name


def test_the_same_seed_makes_the_same_model() -> None:
    def weights(seed: int) -> dict[str, np.ndarray]:
        made = make(f'model_class: "DSSM" {LISTWISE} dssm {{ {SIMPLE} }}', seed=seed)
        return {name: var.numpy() for name, var in made.variables_by_name().items()}

    first, again, other = weights(1), weights(1), weights(2)
    for name, value in first.items():
        np.testing.assert_array_equal(value, again[name])
    assert not np.array_equal(first["user_dnn/dnn_0/kernel"], other["user_dnn/dnn_0/kernel"])
    assert not np.array_equal(first["user_dnn/dnn_0/kernel"][:4], first["item_dnn/dnn_0/kernel"])


SIMPLE = """user_tower { id: "u" dnn { hidden_units: [5, 4] } }
            item_tower { id: "i" dnn { hidden_units: [5, 4] } }"""


def test_an_unknown_model_class_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"DAT, DSSM, DSSM_SENet[\s\S]*nearest:  DSSM"):
        MODELS.get("DSMM")
