"""What a long ranking, and a log with metrics of both kinds, say."""

from __future__ import annotations

import pytest

from easyrec_lite.evaluation.ranking import progress
from easyrec_lite.runs.progress import describe_metrics, metric_lines

METRICS = {
    "recall@10": 0.5,
    "recall_in_batch@10": 0.25,
    "auc": 0.75,
    "full_ranking/kept/recall@10": 0.125,
}


def test_lines_tell_share_and_speed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "easyrec_lite")
    now = iter([0.0, 4.0, 12.0, 15.0, 24.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    with progress.ranking_progress(120_000_000, bar=False) as report:
        for _ in range(4):
            report(30_000_000)
    assert caplog.messages == [
        "ranked 50%, 5 million scores/s, 12 s left",
        "ranked 100%, 5 million scores/s, 0 s left",
    ]


def test_a_short_ranking_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "easyrec_lite")
    with progress.ranking_progress(10, bar=True) as report:
        report(10)
    assert caplog.messages == []


def test_in_batch_metrics_are_labelled_and_those_of_all_items_told_elsewhere() -> None:
    line = describe_metrics(METRICS)
    assert line == "recall@10 (in-batch) 0.5  recall_in_batch@10 (in-batch) 0.25  auc 0.75"
    assert metric_lines(METRICS).split() == line.split()
