"""The verdict: where a model stands against its baselines, by hand-made rows."""

from __future__ import annotations

from typing import Any

import pytest

from easyrec_lite.checks.view import View
from easyrec_lite.config import load
from easyrec_lite.evaluation.ranking.verdict import chosen_metric, verdict, verdict_line

LISTWISE = "dssm_senet_on_taobao.config"
KS = (10, 50, 100)


def protocol(**changes: Any) -> dict[str, Any]:
    given = {"queries": 1000, "held_out": 1000, "held_out_seen": 10, "seen": ["excluded", "kept"]}
    return given | changes


def made(
    model: float, popularity: float, spread: float = 0.01, knn: float | None = None
) -> list[dict[str, Any]]:
    """Rows of recall@50 under both rules, whose intervals are `spread` to both sides."""

    def row(scorer: str, seen: str, value: float) -> dict[str, Any]:
        difference = model - value
        return {
            "scorer": scorer,
            "seen": seen,
            "metrics": {"recall@50": value},
            "interval": {"recall@50": [value - spread, value + spread]},
            "difference": {"recall@50": [difference - spread, difference + spread]},
        }

    values = {"model": model, "popularity": popularity, "item-kNN": knn, "random": 0.005}
    return [
        row(scorer, seen, value)
        for scorer, value in values.items()
        if value is not None
        for seen in ("excluded", "kept")
    ]


def judged(rows: list[dict[str, Any]], config: str = LISTWISE, **changes: Any) -> dict[str, Any]:
    return verdict(View(load(config)), rows, KS, protocol(**changes), epochs=3.0)


def test_above_popularity_it_says_how_many_times_and_nothing_to_try() -> None:
    found = judged(made(0.312, 0.135))
    for said in ("recall@50 0.312", "0.302 to 0.322", "2.3 times popularity (0.135)", "excluded"):
        assert said in found["text"]
    assert found["advice"] == []
    assert verdict_line(found) == found["text"]


def test_below_popularity_it_says_what_to_try_and_where_to_read() -> None:
    found = judged(made(0.054, 0.135))
    assert "2.5 times below popularity (0.135)" in found["text"]
    assert found["advice"]
    line = verdict_line(found)
    assert all(each in line for each in found["advice"])
    assert "softmax.logq: COUNTED" in line
    assert "docs/negatives.md" in line
    assert "\n" not in line


@pytest.mark.parametrize("popularity", [0.305, 0.312, 0.321])
def test_an_interval_around_0_is_not_told_apart(popularity: float) -> None:
    found = judged(made(0.312, popularity))
    assert f"not told apart from popularity ({popularity})" in found["text"]
    assert found["advice"]


def test_few_queries_tell_nothing() -> None:
    assert "not told apart" in judged(made(0.9, 0.1), queries=5)["text"]
    assert "5 queries" in judged(made(0.9, 0.1), queries=5)["text"]


@pytest.mark.parametrize(
    ("model", "popularity", "said"),
    [
        (0.312, 0.3, "4 % above popularity"),
        (0.3, 0.312, "3.8 % below popularity"),
        (0.2, 0.0, "above popularity (0)"),
        (0.0, 0.2, "below popularity (0.2)"),
        (0.9, 0.001, "900 times popularity"),
    ],
)
def test_small_large_and_no_ratios(model: float, popularity: float, said: str) -> None:
    assert said in judged(made(model, popularity, spread=0.0005))["text"]


def test_item_knn_stands_beside_popularity_and_calls_for_advice_too() -> None:
    found = judged(made(0.312, 0.135, knn=0.39))
    assert "2.3 times popularity (0.135), 1.2 times below item-kNN (0.39)" in found["text"]
    assert found["advice"]
    assert judged(made(0.312, 0.135, knn=0.2))["advice"] == []


def test_a_model_like_chance_is_told_to_look_at_its_ids_first() -> None:
    assert "check --data" in judged(made(0.006, 0.135))["advice"][0]
    assert "check --data" not in str(judged(made(0.054, 0.135))["advice"])
    assert "check --data" not in str(judged(made(0.006, 0.007))["advice"])


def test_without_a_query_there_is_nothing_to_judge() -> None:
    rows = [{"scorer": "model", "seen": "excluded", "metrics": {}}]
    found = judged(rows, queries=0, held_out=0, held_out_seen=0)
    assert "no query" in found["text"]


def metric(name: str, **changes: Any) -> tuple[str, str]:
    edits = {"export_config.best_exporter_metric": name, "eval_config.full_ranking": {}}
    return chosen_metric(View(load(LISTWISE, edits)), KS, protocol(**changes))


def test_the_metric_is_the_one_that_decides_else_recall_at_the_middle_k() -> None:
    assert metric("full_ranking/kept/ndcg@10") == ("kept", "ndcg@10")
    assert metric("full_ranking/kept/ndcg@7") == ("excluded", "recall@50")
    assert metric("full_ranking/kept/coverage@10") == ("excluded", "recall@50")
    assert metric("auc") == ("excluded", "recall@50")
    assert metric("auc", held_out_seen=600) == ("kept", "recall@50")
    assert metric("full_ranking/excluded/ndcg@10", seen=["kept"]) == ("kept", "recall@50")
