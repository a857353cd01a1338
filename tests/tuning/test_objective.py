"""Which metric a study optimises, in which direction, and what a trial counts by."""

from __future__ import annotations

import math
from typing import Any

import pytest

from easyrec_lite.checks.check import load_config
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.training.history import EvaluationRecord
from easyrec_lite.tuning.objective import Objective, never_pruned, objective, warnings
from tests.tuning.studies import CONFIG

POINTWISE = "dssm_on_taobao.config"
LISTWISE = "dssm_senet_on_taobao.config"
RANKED = {"eval_config.full_ranking": {"topk": [5, 20], "item_path": "items.txt"}}
DECIDES = "export_config.best_exporter_metric"


def chosen(
    config: str, metric: str | None = None, edits: dict[str, Any] | None = None
) -> Objective:
    return objective(load_config(config, edits), metric)


@pytest.mark.parametrize(
    ("config", "edits", "metric"),
    [
        (CONFIG, {}, "full_ranking/excluded/ndcg@10"),
        (CONFIG, {"eval_config.full_ranking.topk": [50, 20]}, "full_ranking/excluded/ndcg@20"),
        (CONFIG, {DECIDES: "full_ranking/kept/recall@10"}, "full_ranking/kept/recall@10"),
        (CONFIG, {DECIDES: "recall@10"}, "full_ranking/excluded/ndcg@10"),
        (LISTWISE, RANKED, "full_ranking/excluded/ndcg@5"),
    ],
)
def test_without_a_name_it_is_a_metric_of_the_ranking(
    config: str, edits: dict[str, Any], metric: str
) -> None:
    found = chosen(config, edits=edits)
    assert (found.metric, found.bigger) == (metric, True)


@pytest.mark.parametrize(
    ("metric", "edits", "bigger"),
    [
        ("auc", {}, True),
        ("loss/total_loss", {}, False),
        ("auc", {DECIDES: "auc", "export_config.metric_bigger": False}, False),
        ("mean_squared_error", {"eval_config.metrics_set": [{"mean_squared_error": {}}]}, False),
    ],
)
def test_the_direction_is_that_of_the_metric(
    metric: str, edits: dict[str, Any], bigger: bool
) -> None:
    assert chosen(POINTWISE, metric, edits).bigger is bigger


def test_what_is_not_evaluated_is_refused_with_what_to_do() -> None:
    with pytest.raises(ConfigError, match="full_ranking") as caught:
        chosen(LISTWISE)
    assert "recall@10" in str(caught.value)
    with pytest.raises(ConfigError, match=r"(?s)full_ranking/excluded/ndcg@7.*nearest: .*ndcg@"):
        chosen(CONFIG, "full_ranking/excluded/ndcg@7")
    with pytest.raises(ConfigError, match=r"eval_config \{ full_ranking"):
        chosen(LISTWISE, "full_ranking/excluded/ndcg@10")
    with pytest.raises(ConfigError, match="eval_input_path"):
        chosen(CONFIG, edits={"eval_input_path": ""})


def test_test_data_and_metrics_of_batches_are_warned_of() -> None:
    pipeline = load_config(LISTWISE, RANKED)
    (problem,) = warnings(pipeline, objective(pipeline, None))
    assert (problem.path, problem.severity) == ("eval_input_path", "warning")
    found = warnings(pipeline, objective(pipeline, "recall@10"))
    assert [problem.severity for problem in found] == ["warning"] * 2
    good = load_config(CONFIG, {"eval_input_path": "data/test_of_mine/valid.csv"})
    assert warnings(good, objective(good, None)) == []


@pytest.mark.parametrize(
    ("steps", "period", "seconds", "never"),
    [(100, 100, 0, True), (100, 200, 0, True), (100, 99, 0, False), (100, 100, 9, False)],
)
def test_a_config_without_evaluations_to_prune_by_is_told(
    steps: int, period: int, seconds: int, never: bool
) -> None:
    train = {"num_steps": steps, "save_checkpoints_steps": period}
    train |= {"save_checkpoints_secs": seconds} if seconds else {}
    edits = {f"train_config.{name}": value for name, value in train.items()}
    found = never_pruned(load_config(CONFIG, edits))
    assert [problem.path for problem in found] == ["train_config.save_checkpoints_steps"] * never


def records(*values: float) -> list[EvaluationRecord]:
    return [EvaluationRecord(10 * at, {"m": value}) for at, value in enumerate(values, 1)]


@pytest.mark.parametrize(
    ("bigger", "best", "values", "step"),
    [
        (True, False, (0.1, 0.3, 0.2), 30),
        (True, True, (0.1, 0.3, 0.2), 20),
        (True, True, (0.3, 0.1, 0.3), 10),
        (False, True, (0.3, 0.1, 0.2), 20),
        (True, True, (math.nan, 0.1, math.inf), 20),
        (True, False, (0.2, math.nan), 10),
        (True, False, (math.nan,), None),
        (True, True, (), None),
    ],
)
def test_a_trial_counts_by_its_last_or_its_best_evaluation(
    bigger: bool, best: bool, values: tuple[float, ...], step: int | None
) -> None:
    found = Objective("m", bigger, best).result(records(*values))
    assert (found and found.step) == step


def test_other_metrics_are_no_value() -> None:
    assert Objective("x", True, True).result(records(0.1)) is None


def test_the_best_counts_where_the_best_is_exported() -> None:
    best = {"export_config.exporter_type": "best", DECIDES: "full_ranking/excluded/ndcg@10"}
    assert chosen(CONFIG, edits=best).best
    assert not chosen(CONFIG, edits={"export_config.exporter_type": "final"}).best
