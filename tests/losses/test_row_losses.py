"""Pointwise, pairwise and session losses against sums written out in plain Python."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format

from easyrec_lite.checks.specs.loss import LOSSES, loss_names
from easyrec_lite.losses.distillation import Teacher
from easyrec_lite.losses.scores import Scores
from easyrec_lite.protos import messages

LOGITS = [0.3, -1.2, 2.0, 0.1, -0.4, 30.0]
LABELS = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0]
WEIGHTS = [1.0, 2.0, 0.0, 0.5, 1.0, 3.0]
SESSIONS = ["甲", "甲", "b", "b", "c", "甲"]


def message(name: str, text: str = "") -> Any:
    return text_format.Parse(text, getattr(messages, name)(), allow_unknown_field=False)


def value(
    loss_type: str,
    params: Any = None,
    labels: list[float] = LABELS,
    weights: list[float] | None = None,
    sessions: list[str] | None = None,
) -> float:
    scores = Scores(
        tf.constant(LOGITS),
        tf.constant(labels),
        None if weights is None else tf.constant(weights),
        None if sessions is None else tf.constant(sessions),
    )
    return float(tf.function(lambda: LOSSES.get(loss_type)(scores, params))())


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def entropy(label: float, logit: float) -> float:
    return label * softplus(-logit) + (1 - label) * softplus(logit)


def per_row(function: Any, labels: list[float] = LABELS) -> np.ndarray:
    return np.array([function(y, s) for y, s in zip(labels, LOGITS, strict=True)])


ROW_LOSSES = {
    "CLASSIFICATION": entropy,
    "CROSS_ENTROPY_LOSS": entropy,
    "BINARY_CROSS_ENTROPY_LOSS": entropy,
    "L2_LOSS": lambda y, s: (y - s) ** 2,
    "SIGMOID_L2_LOSS": lambda y, s: (y - sigmoid(s)) ** 2,
}


@pytest.mark.parametrize("loss_type", ROW_LOSSES)
def test_row_losses(loss_type: str) -> None:
    rows = per_row(ROW_LOSSES[loss_type])
    assert value(loss_type) == pytest.approx(rows.mean(), rel=1e-5)
    weighted = (rows * WEIGHTS).sum() / np.count_nonzero(WEIGHTS)
    assert value(loss_type, weights=WEIGHTS) == pytest.approx(weighted, rel=1e-5)


def test_divergence_is_zero_at_the_teacher_and_the_cross_entropy_at_certainty() -> None:
    teacher = [sigmoid(s) for s in LOGITS]
    assert value("KL_DIVERGENCE_LOSS", labels=teacher) == pytest.approx(0, abs=1e-6)
    assert value("KL_DIVERGENCE_LOSS") == pytest.approx(value("CLASSIFICATION"), rel=1e-6)


def test_weights_all_zero() -> None:
    assert value("CLASSIFICATION", weights=[0.0] * 6) == 0


def focal(y: float, s: float) -> float:
    right = sigmoid(s) if y else 1 - sigmoid(s)
    return (0.3 if y else 0.7) * (1 - right) ** 1.5 * entropy(y, s)


def test_focal_loss() -> None:
    params = message("BinaryFocalLoss", "gamma: 1.5 alpha: 0.3")
    assert value("BINARY_FOCAL_LOSS", params) == pytest.approx(per_row(focal).mean(), rel=1e-4)


def test_focal_loss_of_the_hardest_half() -> None:
    params = message("BinaryFocalLoss", "gamma: 1.5 alpha: 0.3 ohem_ratio: 0.5")
    hardest = np.sort(per_row(focal))[-3:]
    assert value("BINARY_FOCAL_LOSS", params) == pytest.approx(hardest.mean(), rel=1e-4)


def test_label_smoothing() -> None:
    params = message("BinaryFocalLoss", "gamma: 0 label_smoothing: 0.2")
    expected = per_row(entropy, [y * 0.8 + 0.1 for y in LABELS]).mean()
    assert value("BINARY_FOCAL_LOSS", params) == pytest.approx(expected, rel=1e-5)


def test_f1_reweighting_weighs_negatives() -> None:
    params = message("F1ReweighedLoss", "f1_beta_square: 2")
    hits = sum(sigmoid(s) for y, s in zip(LABELS, LOGITS, strict=True) if y)
    weight = hits / (2 * 3 + 3)
    expected = per_row(lambda y, s: (1 if y else weight) * entropy(y, s)).mean()
    assert value("F1_REWEIGHTED_LOSS", params) == pytest.approx(expected, rel=1e-5)


def pairs(sessions: list[str] | None, labels: list[float] = LABELS) -> list[tuple[int, int]]:
    return [
        (i, j)
        for i in range(6)
        for j in range(6)
        if labels[i] > labels[j] and (sessions is None or sessions[i] == sessions[j])
    ]


def pair_mean(function: Any, sessions: list[str] | None, temperature: float = 1.0) -> float:
    found = pairs(sessions)
    assert found
    return float(np.mean([function((LOGITS[i] - LOGITS[j]) / temperature) for i, j in found]))


PAIR_LOSSES = {
    "PAIR_WISE_LOSS": ("PairwiseLoss", "margin: 0.5", lambda d: softplus(0.5 - d)),
    "PAIRWISE_LOGISTIC_LOSS": (
        "PairwiseLogisticLoss",
        "hinge_margin: 1",
        lambda d: softplus(1 - d),
    ),
    "PAIRWISE_FOCAL_LOSS": (
        "PairwiseFocalLoss",
        "gamma: 2 alpha: 0.4",
        lambda d: 0.4 * (1 - sigmoid(d)) ** 2 * softplus(-d),
    ),
    "PAIRWISE_HINGE_LOSS": (
        "PairwiseHingeLoss",
        "margin: 0.7 use_label_margin: false",
        lambda d: max(0, 0.7 - d),
    ),
}


@pytest.mark.parametrize("sessions", [None, SESSIONS])
@pytest.mark.parametrize("loss_type", PAIR_LOSSES)
def test_pair_losses(loss_type: str, sessions: list[str] | None) -> None:
    name, text, function = PAIR_LOSSES[loss_type]
    params = message(name, f"{text} temperature: 2")
    expected = pair_mean(function, sessions, 2.0)
    assert value(loss_type, params, sessions=sessions) == pytest.approx(expected, rel=1e-4)


def test_pairs_that_differ_by_the_margin_are_none() -> None:
    params = message("PairwiseFocalLoss", "gamma: 0 hinge_margin: 0.9")
    differences = [LOGITS[i] - LOGITS[j] for i, j in pairs(None)]
    left = [softplus(-d) for d in differences if d < 0.9]
    assert 0 < len(left) < len(differences)
    assert value("PAIRWISE_FOCAL_LOSS", params) == pytest.approx(np.mean(left), rel=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ratio", [0.1, 0.3, 0.5, 0.9])
def test_the_hardest_pairs_above_zero_count(ratio: float, weighted: bool) -> None:
    params = message(
        "PairwiseHingeLoss", f"margin: 0.7 use_label_margin: false ohem_ratio: {ratio}"
    )
    found = pairs(None)
    rows = [
        (WEIGHTS[i] if weighted else 1.0) * max(0.0, 0.7 - (LOGITS[i] - LOGITS[j]))
        for i, j in found
    ]
    top = np.sort(rows)[::-1][: round(ratio * len(found))]
    expected = top[top > 0].mean() if (top > 0).any() else 0.0
    weights = WEIGHTS if weighted else None
    given = value("PAIRWISE_HINGE_LOSS", params, weights=weights)
    assert given == pytest.approx(expected, rel=1e-5)


def test_label_margin_of_the_logistic_loss() -> None:
    labels = [3.0, 1.0, 2.0, 0.0, 0.0, 1.0]
    params = message("PairwiseLogisticLoss", "use_label_margin: true hinge_margin: 9")
    expected = [
        softplus((labels[i] - labels[j]) - (LOGITS[i] - LOGITS[j])) for i, j in pairs(None, labels)
    ]
    found = value("PAIRWISE_LOGISTIC_LOSS", params, labels)
    assert found == pytest.approx(np.mean(expected), rel=1e-5)


def test_label_margins() -> None:
    labels = [3.0, 1.0, 2.0, 0.0, 0.0, 1.0]
    params = message("PairwiseHingeLoss", "temperature: 2")
    expected = np.mean(
        [
            max(0, ((labels[i] - labels[j]) - (LOGITS[i] - LOGITS[j])) / 2)
            for i, j in pairs(None, labels)
        ]
    )
    assert value("PAIRWISE_HINGE_LOSS", params, labels) == pytest.approx(expected, rel=1e-5)


def test_pair_weights_are_those_of_the_better_row() -> None:
    params = message("PairwiseLoss", "margin: 0")
    found = pairs(None)
    rows = [WEIGHTS[i] * softplus(LOGITS[j] - LOGITS[i]) for i, j in found]
    counted = sum(WEIGHTS[i] != 0 for i, _ in found)
    expected = sum(rows) / counted
    assert value("PAIR_WISE_LOSS", params, weights=WEIGHTS) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss_type", PAIR_LOSSES)
def test_no_pair_no_loss(loss_type: str) -> None:
    name, text, _ = PAIR_LOSSES[loss_type]
    params = message(name, text)
    assert value(loss_type, params, labels=[1.0] * 6) == 0


def softmax(values: list[float]) -> np.ndarray:
    exponentials = np.exp(np.array(values) - max(values))
    return exponentials / exponentials.sum()


def session_rows(sessions: list[str] | None) -> list[list[int]]:
    names = sessions or ["all"] * 6
    return [[i for i in range(6) if names[i] == name] for name in dict.fromkeys(names)]


@pytest.mark.parametrize("sessions", [None, SESSIONS])
def test_listwise_rank(sessions: list[str] | None) -> None:
    losses = []
    for rows in session_rows(sessions):
        total = sum(LABELS[i] for i in rows)
        if total:
            predicted = softmax([LOGITS[i] / 5 for i in rows])
            target = [LABELS[i] / total for i in rows]
            losses.append(-sum(q * math.log(p) for q, p in zip(target, predicted, strict=True)))
    params = message("ListwiseRankLoss", "temperature: 5")
    found = value("LISTWISE_RANK_LOSS", params, sessions=sessions)
    assert found == pytest.approx(np.mean(losses), rel=1e-5)


@pytest.mark.parametrize("loss_type", ["LISTWISE_RANK_LOSS", "LISTWISE_DISTILL_LOSS"])
def test_listwise_of_teacher_logits(loss_type: str) -> None:
    teacher = [5.0, -2.0, 0.0, 1.0, 3.0, 900.0]
    cut = [min(t, 512.0) for t in teacher] if "DISTILL" in loss_type else teacher
    losses = []
    for rows in session_rows(SESSIONS):
        predicted, target = (softmax([v[i] / 300 for i in rows]) for v in (LOGITS, cut))
        losses.append(-(target * np.log(predicted)).sum())
    params = (
        message("ListwiseDistillLoss", "temperature: 300")
        if "DISTILL" in loss_type
        else message("ListwiseRankLoss", "temperature: 300 label_is_logits: true")
    )
    found = value(loss_type, params, teacher, sessions=SESSIONS)
    assert found == pytest.approx(np.mean(losses), rel=1e-5)


@pytest.mark.parametrize("loss_type", loss_names("row"))
def test_gradients_are_finite_and_one_row_will_do(loss_type: str) -> None:
    names = {name: case[0] for name, case in PAIR_LOSSES.items()} | {
        "BINARY_FOCAL_LOSS": "BinaryFocalLoss",
        "F1_REWEIGHTED_LOSS": "F1ReweighedLoss",
        "LISTWISE_RANK_LOSS": "ListwiseRankLoss",
        "LISTWISE_DISTILL_LOSS": "ListwiseDistillLoss",
    }
    params = message(names[loss_type]) if loss_type in names else None
    for rows in (6, 1):
        logits = tf.constant(LOGITS[:rows])
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = LOSSES.get(loss_type)(Scores(logits, tf.constant(LABELS[:rows])), params)
        assert math.isfinite(float(loss))
        gradient = tape.gradient(loss, logits, unconnected_gradients="zero")
        assert np.all(np.isfinite(gradient))


def distil(text: str, columns: dict[str, Any]) -> tuple[str, float]:
    kd = message("KD", f'pred_name: "logits" soft_label_name: "teacher" {text}')
    teacher = Teacher(kd)
    loss = teacher.loss(Scores(tf.constant(LOGITS), tf.constant(LABELS)), columns)
    return teacher.name, float(loss)


TEACHER = [1.0, -1.0, 0.5, 0.0, 2.0, -3.0]


def test_distillation_of_logits() -> None:
    name, found = distil(
        "loss_type: CROSS_ENTROPY_LOSS temperature: 2 loss_weight: 0.5",
        {"teacher": tf.constant(TEACHER, tf.float64)},
    )
    rows = [entropy(sigmoid(t / 2), s / 2) for t, s in zip(TEACHER, LOGITS, strict=True)]
    assert name == "cross_entropy_loss_teacher"
    assert found == pytest.approx(0.5 * 4 * np.mean(rows), rel=1e-5)


def test_distillation_of_probabilities_by_square_error() -> None:
    teacher = [sigmoid(t) for t in TEACHER]
    name, found = distil(
        'loss_type: L2_LOSS label_is_logits: false loss_name: "kd"',
        {"teacher": tf.constant(teacher)},
    )
    rows = [(t - sigmoid(s)) ** 2 for t, s in zip(teacher, LOGITS, strict=True)]
    assert (name, found) == ("kd", pytest.approx(np.mean(rows), rel=1e-5))


def test_distillation_weighs_rows_by_their_task_space() -> None:
    text = """loss_type: L2_LOSS task_space_indicator_name: "scene"
      task_space_indicator_value: "3" in_task_space_weight: 2 out_task_space_weight: 0"""
    columns = {"teacher": tf.constant(TEACHER), "scene": tf.constant([3, 3, 1, 1, 3, 1])}
    rows = [2 * (TEACHER[i] - LOGITS[i]) ** 2 for i in (0, 1, 4)]
    assert distil(text, columns)[1] == pytest.approx(np.mean(rows), rel=1e-5)
    kd = message("KD", f'pred_name: "logits" soft_label_name: "teacher" {text}')
    assert Teacher(kd).columns == ("teacher", "scene")
