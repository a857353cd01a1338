"""The benchmark of seeds: what it prints, and that it runs only what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import seeds
from benchmarks.seeds import MARGINS, Result, line, summary
from tests.commands import call

POPULARITY = {10: 0.1, 50: 0.2}


def learnt(seed: int, factor: float) -> Result:
    recall = {k: factor * MARGINS[k] * value for k, value in POPULARITY.items()}
    return Result("senet", seed, 0.3, recall, POPULARITY)


def test_a_run_learns_that_exceeds_popularity_by_all_margins() -> None:
    assert learnt(0, 1.01).learns
    assert not learnt(0, 0.99).learns
    more = learnt(0, 1.01)
    assert not more._replace(recall={**more.recall, 50: 0.2}).learns
    assert "1.31 ×" in line(more)
    assert "no" in line(learnt(0, 0.99))


def test_the_summary_counts_the_seeds_that_learn() -> None:
    text = summary([learnt(0, 2.0), learnt(1, 0.5), learnt(2, 1.5)])
    assert "2 of 3" in text
    assert "0.130 – 0.390 – 0.520 (1.95 ×)" in text


def test_runs_are_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--configs", "dssm_senet_on_taobao_backbone", "--seeds", 3, "--rows", 20_000]
    flags += ["--out-folder", tmp_path, "--train_config.num_steps=3"]
    flags += ["--data_config.batch_size=32", "--data_config.negative_sampler.num_sample=8"]
    # Three steps teach nothing.
    assert call(seeds, flags) == 1
    first = capsys.readouterr().out
    (kept,) = tmp_path.glob("*.json")
    metrics = json.loads(kept.read_text("utf-8"))
    assert f"{metrics['in_batch']:.3f} | {metrics['model']['recall@50']:.3f}" in first
    assert "0 of 1" in first
    assert not kept.with_suffix("").exists()
    kept.write_text(json.dumps(metrics | {"in_batch": 0.9876}))
    call(seeds, flags)
    assert "| 3 | 0.988 |" in capsys.readouterr().out
