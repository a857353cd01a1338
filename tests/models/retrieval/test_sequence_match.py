"""SequenceMatch: its encoders in NumPy, padding, causality, and the loss over all steps."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format

from easyrec_lite.checks.check import check
from easyrec_lite.config import ConfigSource, Pipeline
from easyrec_lite.data.rows.values import Ids, Steps
from easyrec_lite.features.batch import Batch
from easyrec_lite.features.embeddings import GroupEmbeddings
from easyrec_lite.models.retrieval.sequence_match.encoder import (
    AttentionLayer,
    HSTULayer,
    Layout,
    RecurrentLayer,
)
from easyrec_lite.models.retrieval.sequence_match.model import SequenceMatch
from easyrec_lite.protos.messages import EasyRecConfig
from tests.losses.test_candidate_losses import FORMULAS, TEMPERATURE
from tests.losses.test_candidate_losses import PARAMS as LOSSES

WIDTH, ITEMS, MOST = 4, 11, 5
CONFIG = """
train_input_path: "t" eval_input_path: "e" model_dir: "m"
data_config {
  input_fields { input_name: "history" } input_fields { input_name: "item" }
  input_fields { input_name: "age" }
}
feature_config {
  features { input_names: "item" feature_type: IdFeature embedding_dim: 4 num_buckets: 11
    embedding_name: "item" }
  features { input_names: "history" feature_type: SequenceFeature sub_feature_type: IdFeature
    separator: "|" embedding_dim: 4 num_buckets: 11 embedding_name: "item" }
  features { input_names: "age" feature_type: IdFeature embedding_dim: 3 num_buckets: 5 }
}
model_config {
  model_class: "SequenceMatch" loss_type: SOFTMAX_CROSS_ENTROPY
  feature_groups { group_name: "user" feature_names: ["history"%s] }
  feature_groups { group_name: "item" feature_names: "item" }
  sequence_match { num_heads: 2 max_seq_len: 5 hidden_dropout_prob: 0 %s }
}
"""
ENCODERS = ("TRANSFORMER", "TRANSFORMER gated_residual: true", "HSTU", "GRU")
HISTORIES = [[3, 1, 4, 1, 9, 2, 6], [], [5], [2, 7, 1, 8, 2]]
OWN = [5, 3, 5, 8]


def pipeline(
    params: str = "", context: bool = True, losses: str = "", options: str = ""
) -> Pipeline:
    text = CONFIG % (', "age"' if context else "", params)
    if losses:
        text = text.replace("loss_type: SOFTMAX_CROSS_ENTROPY", losses)
    return pipeline_of(text.replace("model_class:", f"softmax {{ {options} }} model_class:"))


def pipeline_of(text: str) -> Pipeline:
    return Pipeline(text_format.Merge(text, EasyRecConfig()), ConfigSource("my.config", text))


def model(params: str = "", context: bool = True, losses: str = "", options: str = "") -> Any:
    config = pipeline(params, context, losses, options)
    made = SequenceMatch(config, GroupEmbeddings(config, 3), 3)
    rng = np.random.default_rng(8)
    for variable in made.trainable.values():
        variable.assign(rng.normal(size=variable.shape) * 0.5)
    return made


def table(made: Any) -> np.ndarray:
    (values,) = (v.numpy() for v in made.tables.values() if v.shape[0] == ITEMS)
    return values


def errors(config: Pipeline) -> list[Any]:
    """The errors that are about the model."""
    concerns = ("feature_config", "model_config")
    problems = [p for p in check(config) if p.severity == "error"]
    return [p for p in problems if p.path.startswith(concerns)]


def features(histories: list[list[int]]) -> dict[str, Any]:
    ids = tf.ragged.constant(histories, dtype=tf.int64, ragged_rank=1)
    ages = tf.range(len(histories), dtype=tf.int64) % 5
    return {"history": Steps(ids), "age": Ids(ages)}


def batch(histories: list[list[int]], own: list[int], weights: Any = None) -> Batch:
    given = {**features(histories), "item": Ids(tf.constant(own, tf.int64))}
    return Batch(given, {}, weights)


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("training", [False, True])
def test_a_user_has_the_same_vector_beside_any_other(encoder: str, training: bool) -> None:
    made = model(f"encoder: {encoder}")
    together = made._user(features(HISTORIES), training).vectors
    for row, history in enumerate(HISTORIES):
        alone = features([history])
        alone["age"] = Ids(tf.constant([row], tf.int64))
        np.testing.assert_allclose(
            made._user(alone, training).vectors[0], together[row], rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("encoder", ENCODERS)
def test_only_the_newest_steps_and_their_order_matter(encoder: str) -> None:
    made = model(f"encoder: {encoder}", context=False)
    histories = [[9, *range(MOST)], [8, *range(MOST)], [*range(MOST)], [1, 0, *range(2, MOST)]]
    vectors = made._user(features(histories), False).vectors.numpy()
    np.testing.assert_allclose(vectors[0], vectors[1], rtol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[2], rtol=1e-5)
    assert np.abs(vectors[2] - vectors[3]).max() > 1e-3


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("weighted", [False, True])
def test_every_step_predicts_as_the_last_one_of_its_prefix(encoder: str, weighted: bool) -> None:
    """With places alike, a loss over all steps is that of each prefix as a row of its own."""
    made = model(f"encoder: {encoder}")
    made._user._places.embeddings.assign(tf.zeros([MOST + 1, WIDTH]))
    weights = tf.constant([1.0, 2.0, 0.5, 3.0]) if weighted else None
    whole = batch(HISTORIES, OWN, weights)
    loss = made.losses(made(whole, training=True), whole)["cross_entropy_loss"]
    every = table(made)
    total, shares = 0.0, 0.0
    for row, (history, own) in enumerate(zip(HISTORIES, OWN, strict=True)):
        newest = history[-MOST:]
        prefixes = [newest[:k] for k in range(len(newest) + 1)]
        given = features(prefixes)
        given["age"] = Ids(tf.fill([len(prefixes)], tf.constant(row % 5, tf.int64)))
        logits = made._user(given, False).vectors.numpy() @ every.T
        logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        weight = weights[row].numpy() if weighted else 1.0
        total -= weight * sum(logs[k, item] for k, item in enumerate([*newest, own]))
        shares += weight * len(prefixes)
    assert loss.numpy() == pytest.approx(total / shares, rel=1e-4)


def test_evaluation_is_of_the_rows_own_items() -> None:
    made, given = model(), batch(HISTORIES, OWN)
    loss = made.losses(made(given, training=False), given)["cross_entropy_loss"]
    logits = made._user(given.features, False).vectors.numpy() @ table(made).T
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert loss.numpy() == pytest.approx(-logs[np.arange(4), OWN].mean(), rel=1e-4)


def test_sampled_items_compete_with_every_step() -> None:
    sampler = "negatives: SAMPLED"
    made = model(sampler)
    sampled = tf.constant([0, 5, 9], tf.int64)
    given = batch(HISTORIES, OWN)._replace(negatives={"item": Ids(sampled)})
    outputs = made(given, training=True)
    loss = made.losses(outputs, given)["cross_entropy_loss"].numpy()
    users, items = outputs.predictions["step_emb"].numpy(), table(made)
    targets = [[*history[-MOST:], own] for history, own in zip(HISTORIES, OWN, strict=True)]
    losses = []
    for user, target in zip(users, itertools.chain(*targets), strict=True):
        others = [user @ items[item] for item in sampled.numpy() if item != target]
        own = user @ items[target]
        losses.append(np.log(np.exp([own, *others]).sum()) - own)
    assert loss == pytest.approx(np.mean(losses), rel=1e-4)


MASKED = 'mask_false_negatives: true item_id: "item"'
# An item twice in one history, an item that is also the row's own, no history.
WITH_REPEATS = [[3, 1, 4, 1, 9], [], [5, 5], [2, 7, 1, 0, 2], [0, 1, 2, 3, 4, 5, 6]]
OWN_OF_THEM = [1, 3, 5, 8, 9]


@pytest.mark.parametrize("negatives", ["CATALOGUE", "SAMPLED"])
@pytest.mark.parametrize("every", [True, False])
def test_items_of_the_user_are_no_negatives(negatives: str, every: bool) -> None:
    """The whole history counts, also the steps that the encoder does not read."""
    made = model(f"negatives: {negatives} all_positions: {str(every).lower()}", options=MASKED)
    # One id is sampled twice, as if two hashed items shared it.
    sampled = [0, 5, 9, 5, 10] if negatives == "SAMPLED" else list(range(ITEMS))
    given = batch(WITH_REPEATS, OWN_OF_THEM)
    if negatives == "SAMPLED":
        given = given._replace(negatives={"item": Ids(tf.constant(sampled, tf.int64))})
    outputs = made(given, training=True)
    loss = made.losses(outputs, given)["cross_entropy_loss"].numpy()
    users = iter(outputs.predictions["step_emb" if every else "user_tower_emb"].numpy())
    items, losses = table(made), []
    for history, own in zip(WITH_REPEATS, OWN_OF_THEM, strict=True):
        competing = [item for item in sampled if item not in [*history, own]]
        for target in [*(history[-MOST:] if every else []), own]:
            scores = items[[target, *competing]] @ next(users)
            losses.append(np.log(np.exp(scores).sum()) - scores[0])
    assert next(users, None) is None
    assert loss == pytest.approx(np.mean(losses), rel=1e-4)


def test_an_item_of_the_user_gets_no_gradient_as_a_negative() -> None:
    made = model("negatives: SAMPLED", options=MASKED)
    given = batch([[3, 1]], [5])._replace(negatives={"item": Ids(tf.constant([1, 9], tf.int64))})
    user = tf.constant(np.random.default_rng(1).normal(size=(3, WIDTH)), tf.float32)
    ids = tf.constant([1, 9], tf.int64)
    items = tf.constant(np.random.default_rng(2).normal(size=(2, WIDTH)), tf.float32)
    (each,) = made.candidate_losses
    own = made._own_items(given, ids, tf.constant([3], tf.int64))
    targets = tf.constant([3, 1, 5], tf.int64)
    with tf.GradientTape() as tape:
        tape.watch(items)
        loss = each.loss.shared(user, user, targets, items, ids, own_items=own)
    slopes = tape.gradient(loss, items).numpy()
    assert not slopes[0].any()
    assert slopes[1].any()


def test_masks_reach_over_blocks_of_rows() -> None:
    """The loss of 300 rows is the mean of each row's alone, weighted by its steps."""
    made = model("negatives: SAMPLED", options=MASKED)
    rng = np.random.default_rng(6)
    histories = [rng.integers(0, ITEMS, size=rng.integers(0, 6)).tolist() for _ in range(300)]
    own = rng.integers(0, ITEMS, size=300).tolist()
    sampled = {"item": Ids(tf.constant([0, 5, 9, 2, 7], tf.int64))}

    def total(start: int, stop: int) -> float:
        given = batch(histories[start:stop], own[start:stop])._replace(negatives=sampled)
        given.features["age"] = Ids(tf.zeros([stop - start], tf.int64))
        steps = sum(len(history) + 1 for history in histories[start:stop])
        outputs = made(given, training=True)
        return steps * float(made.losses(outputs, given)["cross_entropy_loss"])

    parts = [total(start, min(start + 7, 300)) for start in range(0, 300, 7)]
    assert total(0, 300) == pytest.approx(sum(parts), rel=1e-4)


def test_masks_of_the_evaluation_within_a_batch() -> None:
    made = model(options=MASKED)
    given = batch(WITH_REPEATS, OWN_OF_THEM)
    given = given._replace(extra={"item": tf.constant([str(item) for item in OWN_OF_THEM])})
    logits = made(given, training=False).predictions["logits"].numpy()
    for row, (history, own) in enumerate(zip(WITH_REPEATS, OWN_OF_THEM, strict=True)):
        for column, item in enumerate(OWN_OF_THEM):
            competes = row == column or item not in [*history, own]
            assert np.isfinite(logits[row, column]) == competes, (row, column)


def test_masks_of_own_items_need_their_ids() -> None:
    """Without a shared table, the ids of the history are not those of items."""
    text = (CONFIG % ("", "all_positions: false")).replace(
        "model_class:", f"softmax {{ {MASKED} }} model_class:"
    )
    config = pipeline_of(text)
    assert errors(config) == []
    apart = 'embedding_name: "item" }\n  features { input_names: "age"'
    (problem,) = errors(pipeline_of(text.replace(apart, '}\n  features { input_names: "age"')))
    assert "mask_false_negatives" in problem.message
    assert "embedding_name" in problem.remedy


@pytest.mark.parametrize("name", FORMULAS)
def test_other_losses_of_every_step(name: str) -> None:
    scaled = name == "GBCE_LOSS"
    params = f"negatives: SAMPLED simi_func: COSINE scale_simi: {str(scaled).lower()}"
    made = model(
        f"{params} temperature: {TEMPERATURE}",
        losses=f"losses {{ loss_type: {name} {LOSSES[name]} }}",
    )
    sampled, users = tf.constant([0, 5, 9], tf.int64), tf.constant(["b", "a", "b", "a"])
    given = batch(HISTORIES, OWN, tf.constant([1.0, 0.5, 0, 2]))
    given = given._replace(negatives={"item": Ids(sampled)}, extra={"user_id": users})
    outputs = made(given, training=True)
    loss = made.losses(outputs, given)[name.lower()].numpy()
    items = table(made) / np.linalg.norm(table(made), axis=1, keepdims=True)
    scores = outputs.predictions["step_emb"].numpy().astype(np.float64) @ items.T
    if name != "COSINE_CONTRASTIVE_LOSS":
        scores = scores / TEMPERATURE
    if scaled:
        weight, shift = (made.trainable[v].numpy() for v in ("sim_w", "sim_b"))
        scores = np.abs(weight) * scores + shift
    targets = [[*history[-MOST:], own] for history, own in zip(HISTORIES, OWN, strict=True)]
    rows = np.repeat(np.arange(4), [len(target) for target in targets])
    target, weights = np.concatenate(targets), np.array([1, 0.5, 0, 2])[rows]
    own, total = scores[np.arange(len(rows)), target], 0.0
    for step, row in enumerate(rows):
        mates = np.flatnonzero(rows % 2 == row % 2)
        negatives = scores[step, [item for item in sampled.numpy() if item != target[step]]]
        total += weights[step] * FORMULAS[name](own[step], negatives, own[mates], weights[mates])
    assert loss == pytest.approx(total / weights.sum(), rel=1e-4)


def test_an_unknown_item_is_no_target() -> None:
    made = model()
    known, one = batch(HISTORIES[:1], OWN[:1]), batch(HISTORIES[:1], [-1])
    losses = [made.losses(made(b, training=False), b)["cross_entropy_loss"] for b in (known, one)]
    assert losses[0].numpy() > 0
    assert losses[1].numpy() == 0


def layer_and_steps(layer: Any) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Draws the weights of a layer; returns them, three steps of one row, and the outputs."""
    rng = np.random.default_rng(2)
    layer.build((None, WIDTH))
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    steps = rng.normal(size=(3, WIDTH)).astype(np.float32)
    layout = Layout(tf.constant([3], tf.int64))
    outputs = layer(tf.constant(steps), layout, training=False).numpy()
    weights = {v.path.split("/", 1)[1]: v.numpy().astype(float) for v in layer.trainable_variables}
    return weights, steps.astype(float), outputs


def norm(x: np.ndarray, w: dict[str, np.ndarray], name: str) -> np.ndarray:
    scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
    return scaled * w[f"{name}/gamma"] + w[f"{name}/beta"]


def dense(x: np.ndarray, w: dict[str, np.ndarray], name: str) -> np.ndarray:
    return x @ w[f"{name}/kernel"] + w[f"{name}/bias"]


def silu(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-x))


@pytest.mark.parametrize(("activation", "gated"), [("relu", False), ("swiglu", True)])
def test_attention_is_the_formula(activation: str, gated: bool) -> None:
    layer = AttentionLayer(2, 6, activation, 0.0, 0.0, gated, 1, "layer")
    w, x, outputs = layer_and_steps(layer)
    query, key, value = np.split(dense(norm(x, w, "attention_norm"), w, "qkv"), 3, axis=1)
    attended = np.zeros_like(x)
    for head in (slice(0, 2), slice(2, 4)):
        for step in range(3):
            scores = key[: step + 1, head] @ query[step, head] / np.sqrt(2)
            shares = np.exp(scores) / np.exp(scores).sum()
            attended[step, head] = shares @ value[: step + 1, head]
    gate = 1 / (1 + np.exp(-dense(x, w, "attention_gate"))) if gated else 1
    x = x + dense(attended, w, "out") * gate
    gate = 1 / (1 + np.exp(-dense(x, w, "dense_gate"))) if gated else 1
    hidden = dense(norm(x, w, "dense_norm"), w, "up")
    if activation == "swiglu":
        hidden = silu(hidden[:, :6]) * hidden[:, 6:]
    else:
        hidden = np.maximum(hidden, 0)
    expected = x + dense(hidden, w, "down") * gate
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


def test_hstu_is_the_formula() -> None:
    w, x, outputs = layer_and_steps(HSTULayer(2, 8, 0.0, 1, "layer"))
    gate, value, query, key = np.split(silu(dense(norm(x, w, "norm"), w, "uvqk")), 4, axis=1)
    attended = np.zeros_like(x)
    for number, head in enumerate((slice(0, 2), slice(2, 4))):
        for step in range(3):
            for other in range(step + 1):
                bias = w["distance_bias"][step - other, number]
                share = silu(query[step, head] @ key[other, head] + bias) / 8
                attended[step, head] += share * value[other, head]
    expected = x + dense(norm(attended, w, "attended_norm") * gate, w, "out")
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


def test_a_recurrent_layer_reads_from_left_to_right() -> None:
    layer = RecurrentLayer(0.0, 1, "layer")
    _, x, outputs = layer_and_steps(layer)
    layout = Layout(tf.constant([2], tf.int64))
    shorter = layer(tf.constant(x[:2], tf.float32), layout, training=False)
    np.testing.assert_allclose(shorter, outputs[:2], rtol=1e-5)


@pytest.mark.parametrize(
    ("params", "path", "words"),
    [
        ("num_heads: 3", "num_heads", ["4", "3"]),
        ("num_layers: 0", "num_layers", ["0"]),
        ("hidden_dropout_prob: 1", "hidden_dropout_prob", ["1"]),
        ('hidden_act: "swigul"', "hidden_act", ["swiglu", "swigul"]),
        ("negatives: SAMPLED", "negatives", ["sampler", "CATALOGUE"]),
        ("item_tower { hidden_units: [4, 0] }", "item_tower", ["hidden_units"]),
        ("simi_func: EUCLID", "simi_func", ["COSINE"]),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(params: str, path: str, words: list[str]) -> None:
    problems = errors(pipeline(params))
    assert [p.path for p in problems] == [f"model_config.sequence_match.{path}"]
    for word in words:
        assert word in str(problems[0])


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ("encoder: GRU num_heads: 2 gated_residual: true", ["gated_residual", "num_heads"]),
        ('encoder: HSTU num_heads: 2 hidden_act: "relu"', ["hidden_act"]),
        ("num_heads: 2 gated_residual: true", []),
    ],
)
def test_what_an_encoder_does_not_read_is_told(params: str, names: list[str]) -> None:
    found = [p for p in check(pipeline(params)) if "has no effect on encoder" in p.message]
    assert [p.path.rpartition(".")[2] for p in found] == names
    assert {p.severity for p in found} <= {"warning"}


def edited(old: str, new: str) -> list[Any]:
    text = (CONFIG % ("", "")).replace(old, new)
    return errors(pipeline_of(text))


def test_items_of_the_history_must_be_known() -> None:
    (problem,) = edited(
        'embedding_name: "item" }\n  features { input_names: "age"',
        '}\n  features { input_names: "age"',
    )
    assert "item" in problem.message
    assert "embedding_name" in problem.remedy
    assert "all_positions" in problem.remedy


def test_a_user_without_history_is_no_sequence_model() -> None:
    (problem,) = edited('feature_names: ["history"]', 'feature_names: ["age"]')
    assert "history" in problem.message
    assert "SequenceFeature" in problem.expected
