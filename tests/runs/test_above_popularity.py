"""An export that must beat ranking by popularity."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from easyrec_lite.config.load import load
from easyrec_lite.core.errors import Problem
from easyrec_lite.evaluation.ranking.report import RankingReport
from easyrec_lite.models.base import Model
from easyrec_lite.runs.export_gate import refusals

METRIC = "recall@10"
MODEL = cast(Model, SimpleNamespace(variables_by_name=dict))
EDITS = {
    "eval_config.full_ranking": {},
    "export_config.above_popularity": True,
    "export_config.best_exporter_metric": f"full_ranking/kept/{METRIC}",
}


def ranked(model: float, popularity: float, seen: str = "kept") -> RankingReport:
    values = {"model": model, "popularity": popularity}
    rows = [{"scorer": s, "seen": seen, "metrics": {METRIC: v}} for s, v in values.items()]
    verdict = {"seen": seen, "metric": METRIC, "text": "", "advice": ["a wider tower", "数"]}
    return RankingReport(5, "", {}, (10,), rows, verdict, [], {}, cast(Any, None))


def refused(ranking: RankingReport | None) -> list[Problem]:
    return refusals(load("dssm_senet_on_taobao.config", EDITS), MODEL, 5, {}, ranking)


def test_a_model_above_is_exported() -> None:
    assert refused(ranked(0.31, 0.3)) == []


@pytest.mark.parametrize("model", [0.3, 0.1, 0.0])
def test_a_model_at_or_below_is_refused_with_what_to_try(model: float) -> None:
    (problem,) = refused(ranked(model, 0.3))
    assert problem.path == "export_config.above_popularity"
    assert "0.3" in problem.expected
    assert problem.found == f"{model:g}"
    assert "a wider tower" in problem.remedy
    assert "数" in problem.remedy


def test_without_a_ranking_it_is_undefined() -> None:
    (problem,) = refused(None)
    assert problem.found == "undefined"
    assert problem.remedy
