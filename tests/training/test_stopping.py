"""Early stopping by a metric of the full ranking, from the evaluations that a run has recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from easyrec_lite.checks.check import load_config
from easyrec_lite.training.history import EvaluationHistory
from easyrec_lite.training.stopping import EarlyStop

METRIC = "full_ranking/excluded/ndcg@10"
EDITS = {
    "eval_config.full_ranking.topk": [10, 50],
    "export_config.exporter_type": "best",
    "export_config.best_exporter_metric": METRIC,
    "export_config.enable_early_stop": True,
    "export_config.max_check_steps": 200,
}


@pytest.mark.parametrize(
    ("values", "stops"),
    [
        ([0.1, 0.2, 0.19, 0.18], 400),
        ([0.1, 0.2, 0.2, 0.2], 400),
        ([0.1, 0.2, 0.19, 0.21, 0.2], 0),
        ([0.1, 0.2, 0.3, 0.4], 0),
    ],
)
def test_a_run_stops_when_the_ranking_no_longer_improves(
    tmp_path: Path, values: list[float], stops: int
) -> None:
    history = EvaluationHistory(tmp_path)
    hook = EarlyStop(
        load_config("dssm_senet_on_taobao.config", EDITS).config.export_config, history
    )
    stopped = 0
    for step, value in enumerate(values, 1):
        # The loss alone would never stop the run.
        metrics = {"loss/total_loss": 1 / step, METRIC: value}
        history.add(100 * step, metrics)
        hook.evaluated(100 * step, metrics)
        if not stopped and hook.should_stop(100 * step):
            stopped = 100 * step
    assert stopped == stops
    if stops:
        assert METRIC in hook.should_stop(stops)
        assert "step 200" in hook.should_stop(stops)
