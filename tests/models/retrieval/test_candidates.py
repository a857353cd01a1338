"""`model_config.softmax` in every listwise model: masks, logQ, temperature, hardest negatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.checks.item_id import item_id_field
from easyrec_lite.losses.outputs import Outputs
from tests.models.retrieval.small import (
    LISTWISE,
    SENET_TOWERS,
    TOWERS,
    batch,
    config,
    item_features,
    make,
)

BACKBONE = """backbone {
  blocks { name: "u" inputs { feature_group_name: "user" }
    keras_layer { class_name: "MLP" mlp { hidden_units: 4 } } }
  blocks { name: "i" inputs { feature_group_name: "item" }
    keras_layer { class_name: "MLP" mlp { hidden_units: 4 } } }
  output_blocks: ["u", "i"] }"""
MODELS = {
    "DSSM": f"dssm {{ {TOWERS} scale_simi: false PARAMS }}",
    "DSSM_SENet": f"dssm_senet {{ {SENET_TOWERS} scale_simi: false PARAMS }}",
    "DAT": f"dat {{ {TOWERS} PARAMS }}",
    "MatchModel": f"{BACKBONE} model_params {{ PARAMS }}",
}
ITEMS = ["a", "b", "a", "商", ""]
SAMPLED = ["b", "x", "a"]
IDS = {
    "extra": {"item_id": tf.constant(ITEMS)},
    "negative_extra": {"item_id": tf.constant(SAMPLED)},
}
EQUAL = np.array([[one == other for other in ITEMS + SAMPLED] for one in ITEMS]) & ~np.eye(
    5, 8, dtype=bool
)


def listwise(name: str, softmax: str, params: str = "temperature: 0.3") -> Any:
    body = MODELS[name].replace("PARAMS", params)
    return make(f'model_class: "{name}" {LISTWISE} softmax {{ {softmax} }} {body}')


def losses_in_training(model: Any, given: Any) -> tuple[Outputs, dict[str, tf.Tensor]]:
    outputs = model(given, training=True)
    return outputs, model.losses(outputs, given)


def softmax_loss(logits: np.ndarray) -> float:
    return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - np.diag(logits)))


@pytest.mark.parametrize("name", MODELS)
def test_false_negatives_have_no_probability_and_no_gradient(name: str) -> None:
    model = listwise(name, 'item_id: "item_id" mask_false_negatives: true')
    assert model.extra_columns == ("item_id",)
    given = batch(**IDS, weights=tf.constant([1.0, 0, 0, 0, 0]))
    probabilities = model(given, training=False).predictions["probs"].numpy()
    assert (probabilities[EQUAL] == 0).all()
    assert (probabilities[~EQUAL] > 0).all()
    outputs = model(given, training=True)
    items = outputs.predictions["item_tower_emb"]
    with tf.GradientTape() as tape:
        tape.watch(items)
        predictions = {**outputs.predictions, "item_tower_emb": items}
        loss = model.losses(outputs._replace(predictions=predictions), given)["cross_entropy_loss"]
    moved = np.any(tape.gradient(loss, items), axis=1)
    assert moved.tolist() == [True, True, False, True, True, True, True, False]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("positive", [True, False])
def test_logq_and_hardest_negatives_act_in_training_only(name: str, positive: bool) -> None:
    model = listwise(
        name,
        f'item_id: "item_id" mask_false_negatives: true logq: COUNTED hardest_negatives: 2 '
        f"logq_of_positive: {str(positive).lower()}",
    )
    shares = np.array([0.4, 0.1, 0.4, 0.2, 0.1, 0.1, 0.01, 0.4], np.float32)
    drawn = np.array([0, 0.5, 0, 0, 0.9, 0.5, 0.2, 0], np.float32)
    given = batch(**IDS, frequencies=tf.constant(shares), inclusions=tf.constant(drawn))
    outputs = model(given, training=True)
    logits = model.logits(outputs, given).numpy().astype(np.float64)
    evaluated = model.losses(Outputs(outputs.predictions, {}), given)["cross_entropy_loss"]
    assert float(evaluated) == pytest.approx(softmax_loss(logits), rel=1e-4)

    logs = np.log(4 * shares + (1 - shares) ** 4 * drawn)
    corrected = logits - logs
    if not positive:
        corrected[np.arange(5), np.arange(5)] = np.diag(logits)
    others = np.where(np.eye(5, 8, dtype=bool), -np.inf, corrected)
    second = np.sort(others, axis=1)[:, -2:-1]
    kept = (others >= second) | np.eye(5, 8, dtype=bool)
    trained = model.losses(outputs, given)["cross_entropy_loss"]
    expected = softmax_loss(np.where(kept, corrected, -np.inf))
    assert float(trained) == pytest.approx(expected, rel=1e-4)


def test_hard_negatives_are_not_corrected() -> None:
    model = listwise("DSSM", 'item_id: "item_id" logq: COUNTED')
    given = batch(
        **IDS,
        frequencies=tf.fill([8], 0.1),
        inclusions=tf.fill([8], 0.5),
        hard_pairs=tf.constant([[0, 2], [3, 2]], tf.int64),
    )
    logs = model(given, training=True).corrections.log_counts.numpy()
    np.testing.assert_allclose(logs[:7], np.log(4 * 0.1 + 0.9**4 * 0.5), rtol=1e-5)
    assert logs[7] == 0


def test_only_sampled_items_are_corrected_by_their_draw() -> None:
    model = listwise("DSSM", 'item_id: "item_id" logq: COUNTED', "ignore_in_batch_neg_sam: true")
    drawn = np.array([0.1, 0.2, 0.3, 0.4, 0, 0.6, 0.7, 0.8], np.float32)
    given = batch(**IDS, frequencies=tf.fill([8], 0.1), inclusions=tf.constant(drawn))
    logs = model(given, training=True).corrections.log_counts
    np.testing.assert_allclose(logs, np.log(np.maximum(drawn, 1e-7)), rtol=1e-5)


def test_a_streaming_estimate_learns_from_training_batches_alone() -> None:
    model = listwise("DSSM", 'item_id: "item_id" logq: STREAMING logq_buckets: 1000')
    given = batch(**IDS, inclusions=tf.zeros([8]))
    state = {name: v for name, v in model.variables_by_name().items() if "logq" in name}
    assert len(state) == 4
    model(given, training=False)
    assert not any(variable.numpy().any() for variable in state.values())
    logs = tf.function(lambda: model(given, training=True).corrections.log_counts)()
    shares = np.array([0.4, 0.2, 0.4, 0.2, 0.2, 0.2, 0.2, 0.4])
    np.testing.assert_allclose(np.exp(logs), 4 * shares, rtol=1e-5)
    assert state["logq_rows"] == 5
    assert not set(state) & set(model.trainable)


@pytest.mark.parametrize("name", MODELS)
def test_a_learnt_temperature(name: str) -> None:
    plain, learnt = (
        listwise(name, options) for options in ("", "learn_temperature: true min_temperature: 0.05")
    )
    for model in (plain, learnt):
        for variable, value in zip(
            model.trainable.values(), plain.trainable.values(), strict=False
        ):
            variable.assign(value)
    given = batch()
    np.testing.assert_allclose(
        learnt(given, training=False).predictions["logits"],
        plain(given, training=False).predictions["logits"],
        rtol=1e-5,
    )
    assert plain.shown() == {}
    assert float(learnt.shown()["temperature"]) == pytest.approx(0.3)
    assert set(learnt.trainable) - set(plain.trainable) == {"log_temperature"}
    variable = learnt.trainable["log_temperature"]
    with tf.GradientTape() as tape:
        loss = losses_in_training(learnt, given)[1]["cross_entropy_loss"]
    gradient = float(tape.gradient(loss, variable))
    start, ends = float(variable), []
    for step in (1e-2, -1e-2):
        variable.assign(start + step)
        ends.append(float(losses_in_training(learnt, given)[1]["cross_entropy_loss"]))
    assert gradient == pytest.approx((ends[0] - ends[1]) / 2e-2, rel=1e-2, abs=1e-3)
    variable.assign(-50.0)
    assert float(learnt.shown()["temperature"]) == pytest.approx(0.05)
    served = learnt.serve({**given.features, **item_features(0, 5)})
    cosines = np.sum(served["user_tower_emb"] * served["item_tower_emb"], axis=1)
    np.testing.assert_allclose(served["logits"], cosines / 0.05, rtol=1e-4, atol=1e-4)


def test_the_item_id_is_softmax_then_the_models_then_the_samplers() -> None:
    message = config(f'model_class: "DSSM" {LISTWISE} dssm {{ {TOWERS} }}').config
    assert item_id_field(message) == ""
    message.data_config.negative_sampler.item_id_field = "c"
    assert item_id_field(message) == "c"
    message.model_config.dssm.item_id = "b"
    assert item_id_field(message) == "b"
    message.model_config.softmax.item_id = "a"
    assert item_id_field(message) == "a"
