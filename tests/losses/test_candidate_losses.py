"""Losses of a row's positive against candidates: their formulas, and every listwise model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

from easyrec_lite.checks.specs.loss import LOSSES
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.losses.softmax import loss as softmax
from easyrec_lite.losses.softmax.blocked import CandidateLoss
from easyrec_lite.losses.softmax.candidates import Candidates
from easyrec_lite.losses.softmax.corrections import Corrections
from easyrec_lite.protos.messages import Loss
from tests.losses.softmax.test_corrections import competing
from tests.models.retrieval.small import SENET_TOWERS, TOWERS, batch, make

TEMPERATURE = 0.5
PARAMS = {
    "DECOUPLED_CONTRASTIVE_LOSS": "",
    "BILATERAL_SOFTMAX_LOSS": "bilateral_softmax_loss { positive_temperature: 0.7 "
    'session_name: "user_id" }',
    "COSINE_CONTRASTIVE_LOSS": "cosine_contrastive_loss { margin: 0.2 negative_weight: 7 }",
    "GBCE_LOSS": "gbce_loss { calibration: 0.75 num_items: 40 }",
}
RATIO = 0.7 / TEMPERATURE


@pytest.fixture(autouse=True, scope="module")
def _small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(softmax, "BLOCK_ROWS", 4)
        yield


def loss_of(name: str) -> CandidateLoss:
    params = text_format.Parse(f"loss_type: {name} {PARAMS[name]}", Loss())
    message = LOSSES.spec(name).message
    loss: CandidateLoss = LOSSES.get(name)(getattr(params, message or "loss_type"), TEMPERATURE)
    return loss


# What one row costs, in float64: its positive's logit, the logits of the negatives that compete,
# the logits and weights of its session's positives.


def decoupled(own: float, negatives: np.ndarray, *_: np.ndarray) -> float:
    return (math.log(np.exp(negatives).sum()) if len(negatives) else 0.0) - own


def bilateral(own: float, negatives: np.ndarray, mates: np.ndarray, weights: np.ndarray) -> float:
    mean = (weights * np.exp(mates / RATIO)).sum() / weights.sum() if weights.any() else 1.0
    return (math.log(np.exp(negatives).sum()) if len(negatives) else 0.0) - RATIO * math.log(mean)


def cosine_contrastive(own: float, negatives: np.ndarray, *_: np.ndarray) -> float:
    return 1 - own + (7 * np.maximum(negatives - 0.2, 0).mean() if len(negatives) else 0.0)


def gbce(own: float, negatives: np.ndarray, *_: np.ndarray) -> float:
    alpha = min(len(negatives) / 39, 1.0)
    beta = alpha * (0.75 * (1 - 1 / alpha) + 1 / alpha) if alpha else 1 - 0.75
    right = beta * math.log(1 / (1 + math.exp(-own)))
    wrong = np.log(1 - 1 / (1 + np.exp(-negatives))).sum()
    return -(right + wrong) / (len(negatives) + 1)


FORMULAS: dict[str, Callable[..., float]] = {
    "DECOUPLED_CONTRASTIVE_LOSS": decoupled,
    "BILATERAL_SOFTMAX_LOSS": bilateral,
    "COSINE_CONTRASTIVE_LOSS": cosine_contrastive,
    "GBCE_LOSS": gbce,
}


def by_hand(
    name: str,
    scores: np.ndarray,
    candidates: Candidates,
    weights: np.ndarray | None,
    corrections: Corrections,
    sessions: np.ndarray | None,
) -> float:
    """The loss of scores [B, N] in float64, row by row."""
    rows = len(scores)
    logs = 0.0 if corrections.log_counts is None else corrections.log_counts.numpy()
    kept = competing(scores - logs * ~np.eye(*scores.shape, dtype=bool), candidates, 0)
    if sessions is not None:
        kept[:, :rows] &= sessions[:, None] != sessions[None, :]
    kept &= ~np.eye(*scores.shape, dtype=bool)
    all_weights = np.ones(rows) if weights is None else weights.astype(np.float64)
    if not all_weights.any():
        return 0.0
    total, own = 0.0, np.diag(scores)
    for row in range(rows):
        mates = np.array([row]) if sessions is None else np.flatnonzero(sessions == sessions[row])
        negatives = (scores - logs)[row, kept[row]]
        total += all_weights[row] * FORMULAS[name](
            own[row], negatives, own[mates], all_weights[mates]
        )
    return total / all_weights.sum()


def slopes(
    function: Callable[..., float], vectors: list[np.ndarray], ways: list[np.ndarray]
) -> list[float]:
    """The derivatives in a direction of each array, by central differences in float64."""
    found = []
    for place, way in enumerate(ways):
        ends = []
        for step in (1e-6, -1e-6):
            moved = list(vectors)
            moved[place] = vectors[place] + step * way
            ends.append(function(*moved))
        found.append((ends[0] - ends[1]) / 2e-6)
    return found


def assert_same(
    function: Callable[..., float],
    vectors: list[np.ndarray],
    found: tf.Tensor,
    gradients: list[Any],
) -> None:
    """Asserts a value, and its gradients along random directions."""
    assert float(found) == pytest.approx(function(*vectors), rel=2e-4, abs=2e-5)
    rng = np.random.default_rng(1)
    for _ in range(2):
        ways = [rng.normal(size=array.shape) for array in vectors]
        products = [
            np.sum(tf.convert_to_tensor(gradient) * way)
            for gradient, way in zip(gradients, ways, strict=True)
        ]
        np.testing.assert_allclose(products, slopes(function, vectors, ways), rtol=5e-4, atol=1e-4)


@st.composite
def cases(draw: st.DrawFn) -> tuple:
    rows, sampled = draw(st.integers(1, 6)), draw(st.integers(0, 3))
    interests = draw(st.sampled_from([0, 0, 3]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    columns = rows + sampled
    user = rng.normal(size=(rows, interests, 2) if interests else (rows, 2))
    items = rng.normal(size=(columns, 2))
    kinds = draw(st.sampled_from([None, 1, 3, 50]))
    ids = None if kinds is None else tf.constant(rng.integers(0, kinds, columns), tf.int32)
    pairs = None
    if sampled and draw(st.booleans()):
        drawn = rng.integers([rows, sampled], size=(draw(st.integers(0, 4)), 2))
        pairs = tf.constant(np.unique(drawn, axis=0), tf.int64)
    candidates = Candidates(draw(st.booleans()), ids, pairs)
    weights = draw(st.sampled_from([None, rng.uniform(0, 2, rows) * rng.integers(0, 2, rows)]))
    logs = tf.constant(rng.normal(size=columns), tf.float32) if draw(st.booleans()) else None
    sessions = rng.integers(0, 3, rows) if draw(st.booleans()) else None
    sessions = None if sessions is None else np.unique(sessions, return_inverse=True)[1]
    return user, items, candidates, weights, Corrections(logs, draw(st.booleans())), sessions


def numbers(values: np.ndarray | None, dtype: tf.DType) -> tf.Tensor | None:
    return None if values is None else tf.constant(values, dtype)


def scores_of(user: np.ndarray, items: np.ndarray) -> np.ndarray:
    """The largest of the K inner products, [B, N]."""
    return np.einsum("bkd,nd->bkn", user.reshape(len(user), -1, 2), items).max(axis=1)


@pytest.mark.parametrize("name", PARAMS)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(cases())
def test_values_and_gradients_are_those_of_the_formula(name: str, case: tuple) -> None:
    user, items, candidates, weights, corrections, sessions = case
    sessions = sessions if name == "BILATERAL_SOFTMAX_LOSS" else None

    def value(user: np.ndarray, items: np.ndarray) -> float:
        return by_hand(name, scores_of(user, items), candidates, weights, corrections, sessions)

    loss, variables = loss_of(name), [tf.Variable(v, dtype=tf.float32) for v in (user, items)]
    more = (
        candidates,
        numbers(weights, tf.float32),
        corrections,
        numbers(
            None if sessions is None else np.unique(sessions, return_inverse=True)[1], tf.int32
        ),
    )
    with tf.GradientTape(persistent=True) as tape:
        found = loss.in_batch(*(variable + 0.0 for variable in variables), *more)
        shaped = tf.reshape(variables[0], [len(user), -1, 2])
        logits = tf.reduce_max(tf.einsum("bkd,nd->bkn", shaped, variables[1]), axis=1)
        whole = loss.of_logits(logits, *more)
    for result in (found, whole):
        gradients = tape.gradient(result, variables)
        assert_same(value, [user, items], result, gradients)


@pytest.mark.parametrize("name", PARAMS)
@pytest.mark.parametrize("corrected", [False, True])
def test_the_form_of_items_that_steps_share(name: str, corrected: bool) -> None:
    """The rows' positives, then the shared items, whose own ids do not compete."""
    rng = np.random.default_rng(4)
    rows, shared = 9, 5
    user, own, items = (rng.normal(size=(n, 2)) for n in (rows, rows, shared))
    ids, item_ids = rng.integers(0, 4, rows), rng.integers(0, 4, shared)
    weights = rng.uniform(0, 2, rows)
    logs = rng.normal(size=shared) if corrected else np.zeros(shared)
    sessions = np.arange(rows) // 2 if name == "BILATERAL_SOFTMAX_LOSS" else None

    def value(user: np.ndarray, own: np.ndarray, items: np.ndarray) -> float:
        total, mine = 0.0, np.sum(user * own, axis=1)
        for row in range(rows):
            negatives = (user @ items.T - logs)[row, ids[row] != item_ids]
            mates = [row] if sessions is None else np.flatnonzero(sessions == sessions[row])
            total += weights[row] * FORMULAS[name](
                mine[row], negatives, mine[mates], weights[mates]
            )
        return total / weights.sum()

    variables = [tf.Variable(each, dtype=tf.float32) for each in (user, own, items)]
    with tf.GradientTape() as tape:
        users, owns, others = (variable + 0.0 for variable in variables)
        loss = loss_of(name).shared(
            users,
            owns,
            tf.constant(ids, tf.int64),
            others,
            tf.constant(item_ids, tf.int64),
            tf.constant(weights, tf.float32),
            tf.constant(logs, tf.float32) if corrected else None,
            numbers(sessions, tf.int32),
        )
    assert_same(value, [user, own, items], loss, tape.gradient(loss, variables))


@pytest.mark.parametrize("name", PARAMS)
def test_only_the_hardest_negatives_compete(name: str) -> None:
    scores = np.random.default_rng(3).normal(size=(5, 9))
    apart = np.where(np.eye(5, 9, dtype=bool), -np.inf, scores)
    third = np.sort(apart, axis=1)[:, -3:-2]
    expected = np.mean(
        [
            FORMULAS[name](scores[r, r], apart[r, apart[r] >= third[r]], scores[r, [r]], np.ones(1))
            for r in range(5)
        ]
    )
    logits, sessions = tf.constant(scores, tf.float32), tf.range(5)
    found = loss_of(name).of_logits(logits, Candidates(), None, Corrections(hardest=3), sessions)
    assert float(found) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", PARAMS)
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_extreme_logits_stay_finite(name: str, scale: float) -> None:
    user = tf.constant(scale * np.random.default_rng(5).normal(size=(6, 3)), tf.float32)
    items = tf.constant(np.random.default_rng(6).normal(size=(8, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch([user, items])
        loss = loss_of(name).in_batch(user, items, sessions=tf.constant([0, 0, 1, 2, 1, 2]))
    for each in (loss, *tape.gradient(loss, [user, items])):
        assert np.isfinite(each).all()


@pytest.mark.parametrize("name", PARAMS)
@pytest.mark.parametrize("interests", [1, 3])
def test_no_more_rows_of_logits_exist_than_a_block_has(
    name: str, interests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss, shapes = loss_of(name), []
    rows = loss.rows

    def recorded(own: tf.Tensor, negatives: tf.Tensor) -> Any:
        shapes.append(tuple(negatives.shape))
        return rows(own, negatives)

    monkeypatch.setattr(loss, "rows", recorded)
    user = tf.ones([11, 3] if interests == 1 else [11, interests, 3])
    loss.in_batch(user, tf.ones([17, 3]))
    assert shapes == [(4, 17), (4, 17), (3, 17)]


BACKBONE = """backbone {
  blocks { name: "u" inputs { feature_group_name: "user" }
    keras_layer { class_name: "MLP" mlp { hidden_units: 4 } } }
  blocks { name: "i" inputs { feature_group_name: "item" }
    keras_layer { class_name: "MLP" mlp { hidden_units: 4 } } }
  output_blocks: ["u", "i"] }"""
MODELS = {
    "DSSM": f"dssm {{ {TOWERS} SCALE temperature: {TEMPERATURE} }}",
    "DSSM_SENet": f"dssm_senet {{ {SENET_TOWERS} SCALE temperature: {TEMPERATURE} }}",
    "DAT": f"dat {{ {TOWERS} temperature: {TEMPERATURE} }}",
    "MatchModel": f"{BACKBONE} model_params {{ SCALE temperature: {TEMPERATURE} }}",
}


@pytest.mark.parametrize("name", PARAMS)
@pytest.mark.parametrize("model_class", MODELS)
def test_every_listwise_model_in_training_and_evaluation(name: str, model_class: str) -> None:
    scaled = name == "GBCE_LOSS"
    body = MODELS[model_class].replace("SCALE", f"scale_simi: {str(scaled).lower()}")
    loss = f"losses {{ loss_type: {name} weight: 0.5 {PARAMS[name]} }}"
    logq = "logq: COUNTED" if name != "COSINE_CONTRASTIVE_LOSS" else ""
    model = make(
        f'model_class: "{model_class}" {loss} {body} '
        f'softmax {{ item_id: "item_id" mask_false_negatives: true {logq} }}'
    )
    given = batch(
        extra={
            "item_id": tf.constant(["a", "b", "a", "商", ""]),
            "user_id": tf.constant([7, 8, 7, 9, 7], tf.int64),
        },
        negative_extra={"item_id": tf.constant(["b", "x", "a"])},
        weights=tf.constant([1.0, 2, 0.5, 1, 0]),
        frequencies=tf.fill([8], 0.1),
        inclusions=tf.fill([8], 0.5),
    )
    assert set(model.extra_columns) >= {"item_id"}
    outputs = model(given, training=True)
    logits = model.logits(outputs, given).numpy().astype(np.float64)
    same = np.isinf(logits)
    assert same.sum() == 5
    if name == "COSINE_CONTRASTIVE_LOSS":
        logits = logits * TEMPERATURE
    candidates = Candidates(ids=tf.constant([0, 1, 0, 2, 3, 1, 4, 0]))
    sessions = np.array([0, 1, 0, 2, 0]) if name == "BILATERAL_SOFTMAX_LOSS" else None
    weights = np.array([1.0, 2, 0.5, 1, 0])
    logits[same] = 0.0
    for corrections in (outputs.corrections, Corrections()):
        expected = by_hand(name, logits, candidates, weights, corrections, sessions)
        found = model.losses(Outputs(outputs.predictions, {}, corrections), given)[name.lower()]
        assert float(found) == pytest.approx(0.5 * expected, rel=1e-4)
    with tf.GradientTape() as tape:
        made = model(given, training=True)
        total = tf.add_n(list(model.losses(made, given).values()))
    gradients = tape.gradient(total, list(model.trainable.values()))
    shift = [g for n, g in zip(model.trainable, gradients, strict=True) if n == "sim_b"]
    assert not scaled or all(g is not None and np.any(g) for g in shift)


def test_several_losses_are_summed_by_weight() -> None:
    model = make(
        f'model_class: "DSSM" dssm {{ {TOWERS} scale_simi: false }} '
        "losses { loss_type: SOFTMAX_CROSS_ENTROPY weight: 0.3 } "
        'losses { loss_type: DECOUPLED_CONTRASTIVE_LOSS weight: 2 loss_name: "apart" }'
    )
    outputs = model(batch(), training=True)
    found = {name: float(value) for name, value in model.losses(outputs, batch()).items()}
    logits = model.logits(outputs, batch()).numpy().astype(np.float64)
    own = np.diag(logits)
    others = np.exp(np.where(np.eye(5, 8, dtype=bool), -np.inf, logits)).sum(axis=1)
    assert {"cross_entropy_loss", "apart", "reg_pos_loss"} <= set(found)
    whole = np.log(others + np.exp(own)) - own
    assert found["cross_entropy_loss"] == pytest.approx(0.3 * whole.mean(), rel=1e-5)
    assert found["apart"] == pytest.approx(2 * np.mean(np.log(others) - own), rel=1e-5)
