"""What a run prints at its end."""

from __future__ import annotations

import json
from pathlib import Path

from easyrec_lite.config import Pipeline
from easyrec_lite.config.load import load
from easyrec_lite.runs.summary import finish
from easyrec_lite.runs.training_run import TrainingResult

VERDICT = {
    "seen": "kept",
    "metric": "recall@50",
    "text": "recall@50 0.05, 2.5 times below popularity (0.125)",
    "advice": ["a larger 数"],
}


def pipeline(folder: Path, step: int = 5) -> Pipeline:
    content = {"step": step, "verdict": VERDICT}
    (folder / "ranking.json").write_text(json.dumps(content), encoding="utf-8")
    return load("dssm_on_taobao.config", {"model_dir": str(folder)})


def result(**metrics: float) -> TrainingResult:
    return TrainingResult(5, "num_steps", None, metrics, None)


RANKED = {"auc": 0.5, "full_ranking/kept/recall@50": 0.05}


def test_a_run_ends_with_the_verdict_of_its_last_ranking(tmp_path: Path) -> None:
    (line,) = (x for x in finish(pipeline(tmp_path), result(**RANKED)).splitlines() if "times" in x)
    assert VERDICT["text"] in line
    assert "a larger 数" in line


def test_an_older_ranking_gives_no_verdict(tmp_path: Path) -> None:
    assert "times" not in finish(pipeline(tmp_path, step=4), result(**RANKED))
    assert "times" not in finish(pipeline(tmp_path), result(auc=0.5))
