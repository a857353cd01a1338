"""Metrics against definitions written out, however the rows come in batches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format

from easyrec_lite.features.batch import Batch
from easyrec_lite.losses.outputs import Outputs
from easyrec_lite.metrics.auc.metric import AUC, MaxF1, thresholds
from easyrec_lite.metrics.base import Metric
from easyrec_lite.metrics.decisions.metric import Decisions
from easyrec_lite.metrics.errors.metric import Errors
from easyrec_lite.metrics.gauc.metric import GroupedAUC
from easyrec_lite.metrics.open import open_metrics
from easyrec_lite.metrics.recall_at_topk.metric import RecallAtTopK
from easyrec_lite.protos.messages import EasyRecConfig
from tests.config.base_config import POINTWISE, problems

RNG = np.random.default_rng(11)
ROWS = 57
SCORES = RNG.uniform(size=ROWS).astype(np.float32)
LABELS = (RNG.uniform(size=ROWS) < 0.2 + 0.5 * SCORES).astype(np.float32)
USERS = np.array([f"用户{n}" for n in RNG.integers(0, 9, ROWS)])
SPLITS = ([ROWS], [20, 20, 17], [56, 1], [1] * ROWS)


def run(
    metric: Metric, scores: Any, labels: Any, users: Any, sizes: list[int], name: str = "probs"
) -> dict[str, float]:
    """The metric's values when the rows come in batches of `sizes`."""
    total, start = metric.empty(), 0
    state = tf.function(metric.state, reduce_retracing=True)
    for size in sizes:
        rows = slice(start, start + size)
        outputs = Outputs({name: tf.constant(scores[rows])}, {})
        batch = Batch({}, {"clk": tf.constant(labels[rows])}, extra={"u": tf.constant(users[rows])})
        found = {key: value.numpy() for key, value in state(outputs, batch).items()}
        total = metric.merge(total, found)
        start += size
    return metric.compute(total)


def exact_auc(scores: np.ndarray, labels: np.ndarray) -> float:
    pairs = [(p, n) for p in scores[labels > 0] for n in scores[labels == 0]]
    return float(np.mean([1.0 if p > n else 0.5 if p == n else 0.0 for p, n in pairs]))


@pytest.mark.parametrize("sizes", SPLITS)
def test_auc_nears_the_exact_one_whatever_the_batches(sizes: list[int]) -> None:
    found = run(AUC("clk", 20000), SCORES, LABELS, USERS, sizes)
    assert found["auc"] == pytest.approx(exact_auc(SCORES, LABELS), abs=1e-5)


def test_auc_counts_as_tensorflow_1_did() -> None:
    edges = thresholds(5)
    np.testing.assert_allclose(edges, [-1e-7, 0.25, 0.5, 0.75, 1 + 1e-7])
    scores = np.array([0.25, 0.3, 0.5, 1.0, 0.0], np.float32)
    labels = np.array([1, 0, 1, 1, 0], np.float32)
    above = scores[None, :] > edges[:, None]
    small = 1e-6
    sensitivity = ((above & (labels > 0)).sum(1) + small) / (3 + small)
    fallout = (above & (labels == 0)).sum(1) / (2 + small)
    widths, heights = -np.diff(fallout), (sensitivity[:-1] + sensitivity[1:]) / 2
    expected = (widths * heights).sum()
    assert run(AUC("clk", 5), scores, labels, scores, [5])["auc"] == pytest.approx(expected)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_auc_of_one_class_is_not_defined(label: float) -> None:
    labels = np.full(ROWS, label, np.float32)
    assert run(AUC("clk"), SCORES, labels, USERS, [ROWS]) == {}
    assert run(GroupedAUC("gauc", "clk", "u"), SCORES, labels, USERS, [ROWS]) == {}


@pytest.mark.parametrize("sizes", SPLITS)
def test_max_f1(sizes: list[int]) -> None:
    best = 0.0
    for edge in thresholds(200):
        called, positive = edge < SCORES, LABELS > 0
        hits = (called & positive).sum()
        best = max(best, 2 * hits / (called.sum() + positive.sum()))
    assert run(MaxF1("clk"), SCORES, LABELS, USERS, sizes) == {"max_f1": pytest.approx(best)}


@pytest.mark.parametrize("sizes", SPLITS)
@pytest.mark.parametrize("ties", [False, True])
def test_gauc(sizes: list[int], ties: bool) -> None:
    scores = np.round(SCORES, 1) if ties else SCORES
    groups = []
    for user in np.unique(USERS):
        mine = user == USERS
        if 0 < LABELS[mine].sum() < mine.sum():
            groups.append((exact_auc(scores[mine], LABELS[mine]), mine.sum(), LABELS[mine].sum()))
    auc, rows, positives = map(np.array, zip(*groups, strict=True))
    assert len(auc) > 3
    for reduction, weights in (
        ("mean", None),
        ("mean_by_sample_num", rows),
        ("mean_by_positive_num", positives),
    ):
        metric = GroupedAUC("gauc", "clk", "u", reduction)
        expected = np.average(auc, weights=weights)
        assert run(metric, scores, LABELS, USERS, sizes)["gauc"] == pytest.approx(expected)


def test_gauc_of_huge_integer_ids() -> None:
    users = np.array([2**62, 2**62, 2**62 + 1, 2**62 + 1])
    scores, labels = np.array([0.2, 0.1, 0.1, 0.2], np.float32), np.array([1, 0, 1, 0], np.float32)
    assert run(GroupedAUC("session_auc", "clk", "u"), scores, labels, users, [3, 1]) == {
        "session_auc": 0.5
    }


@pytest.mark.parametrize("sizes", SPLITS)
@pytest.mark.parametrize("output", ["probs", "y"])
def test_errors(sizes: list[int], output: str) -> None:
    difference = SCORES.astype(np.float64) - LABELS
    for name, expected in (
        ("mean_absolute_error", np.abs(difference).mean()),
        ("mean_squared_error", (difference**2).mean()),
        ("root_mean_squared_error", math.sqrt((difference**2).mean())),
    ):
        found = run(Errors(name, "clk"), SCORES, LABELS, USERS, sizes, output)
        assert found == {name: pytest.approx(expected)}


@pytest.mark.parametrize("sizes", SPLITS)
def test_decisions(sizes: list[int]) -> None:
    called, positive = SCORES > 0.5, LABELS > 0
    for name, expected in (
        ("accuracy", (called == positive).mean()),
        ("precision", positive[called].mean()),
        ("recall", called[positive].mean()),
    ):
        found = run(Decisions(name, "clk"), SCORES, LABELS, USERS, sizes)
        assert found == {name: pytest.approx(expected)}


def test_decisions_of_nothing_are_zero() -> None:
    scores, labels = np.array([0.1], np.float32), np.array([0.0], np.float32)
    for name in ("precision", "recall"):
        assert run(Decisions(name, "clk"), scores, labels, scores, [1]) == {name: 0}


def recalls(batches: list[np.ndarray], topk: int) -> dict[str, float]:
    metric = RecallAtTopK(topk)
    total = metric.empty()
    for logits in batches:
        batch = Batch({}, {})
        state = metric.state(Outputs({"logits": tf.constant(logits, tf.float32)}, {}), batch)
        total = metric.merge(total, {key: value.numpy() for key, value in state.items()})
    return metric.compute(total)


def top_k_recall(batches: list[np.ndarray], topk: int, part: str) -> float:
    """By `top_k` over the columns that count."""
    found = []
    for logits in batches:
        rows = len(logits)
        for i, row in enumerate(logits):
            columns = {
                "recall": list(range(len(row))),
                "recall_in_batch": list(range(rows)),
                "recall_neg_sam": [i, *range(rows, len(row))],
            }[part]
            best = tf.math.top_k(row[columns], min(topk, len(columns))).indices.numpy()
            found.append(i in [columns[index] for index in best])
    return float(np.mean(found))


@pytest.mark.parametrize("topk", [1, 2, 5, 100])
def test_recall_is_that_of_top_k_ties_and_small_batches_included(topk: int) -> None:
    batches = [RNG.integers(0, 6, (rows, rows + 5)).astype(np.float32) for rows in (8, 3, 1)]
    found = recalls(batches, topk)
    expected = {
        f"{part}@{topk}": pytest.approx(top_k_recall(batches, topk, part))
        for part in ("recall", "recall_neg_sam", "recall_in_batch")
    }
    assert found == expected


def test_a_model_that_scores_all_alike_does_not_look_perfect() -> None:
    assert recalls([np.zeros((50, 80))], 5)["recall@5"] == pytest.approx(0.1)


def test_a_model_of_nan_finds_nothing() -> None:
    assert set(recalls([np.full((5, 9), np.nan)], 1).values()) <= {0.0}


def test_masked_candidates_do_not_compete() -> None:
    logits = np.array([[1, 2, 3, -1], [5, 1, 0, 4]], float)
    assert recalls([logits], 1)["recall@1"] == 0
    logits[0, 1:3] = logits[1, 0] = logits[1, 3] = -np.inf
    assert recalls([logits], 1)["recall@1"] == 1


def test_a_recall_without_competitors_is_left_out() -> None:
    assert set(recalls([RNG.normal(size=(4, 4))], 2)) == {"recall@2", "recall_in_batch@2"}
    only_sampled = RNG.normal(size=(3, 5))
    only_sampled[:, :3] = np.where(np.eye(3, dtype=bool), only_sampled[:, :3], -np.inf)
    assert set(recalls([only_sampled], 2)) == {"recall@2", "recall_neg_sam@2"}
    assert recalls([np.ones((1, 1))], 1) == {}


def config(model: str, metrics: str) -> Any:
    return text_format.Parse(
        f"""model_dir: "m" data_config {{ label_fields: "clk" }}
        model_config {{ model_class: "DSSM" {model} }} eval_config {{ {metrics} }}""",
        EasyRecConfig(),
    )


def test_metrics_of_a_config_in_its_order() -> None:
    found = open_metrics(
        config(
            "",
            """metrics_set { gauc { uid_field: "u" } } metrics_set { auc { num_thresholds: 7 } }
            metrics_set { session_auc { session_id_field: "s" } } metrics_set { max_f1 {} }
            metrics_set { mean_absolute_error {} } metrics_set { mean_squared_error {} }
            metrics_set { root_mean_squared_error {} } metrics_set { accuracy {} }
            metrics_set { precision {} } metrics_set { recall {} }""",
        )
    )
    names: list[str] = []
    for metric in found:
        values = run(metric, SCORES, LABELS, USERS, [ROWS]) if metric.columns != ("s",) else {}
        names += values or ["session_auc"]
    assert names == [
        *("gauc", "auc", "session_auc", "max_f1", "mean_absolute_error", "mean_squared_error"),
        *("root_mean_squared_error", "accuracy", "precision", "recall"),
    ]


def test_metrics_of_a_listwise_config() -> None:
    found = open_metrics(
        config(
            "loss_type: SOFTMAX_CROSS_ENTROPY",
            "metrics_set { recall_at_topk {} } metrics_set { recall_at_topk { topk: 50 } }",
        )
    )
    assert [type(metric) for metric in found] == [RecallAtTopK, RecallAtTopK]


@pytest.mark.parametrize("metric", ["recall_at_topk", "precision_at_topk"])
def test_metrics_of_candidates_are_refused_of_a_pointwise_model(metric: str) -> None:
    text = POINTWISE.replace("model_config {", "model_config { loss_type: CLASSIFICATION", 1)
    found = problems(text.replace("metrics_set { auc {} }", f"metrics_set {{ {metric} {{}} }}"))
    assert any(each.severity == "error" and metric in each.path for each in found)


def test_a_listwise_metric_is_left_out_when_no_loss_is_named() -> None:
    found = open_metrics(config("", "metrics_set { recall_at_topk {} } metrics_set { auc {} }"))
    assert [type(metric) for metric in found] == [AUC]
