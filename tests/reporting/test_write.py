"""The report as a file: when it is written, and that nothing else fails by it."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

from easyrec_lite import evaluate, report
from easyrec_lite.config import Pipeline
from easyrec_lite.core.errors import ConfigError
from easyrec_lite.reporting import write
from easyrec_lite.reporting.write import report_after, write_report
from tests import commands
from tests.reporting import made
from tests.reporting.reading import parse, section, tables


def test_a_run_leaves_all_that_the_report_needs(trained: Pipeline) -> None:
    folder = Path(trained.config.model_dir)
    assert {"training_log.jsonl", "feature_weights.json", "evaluations.jsonl"} <= {
        path.name for path in folder.iterdir()
    }
    found = parse(write_report(trained).read_text("utf-8"))
    evaluations = [
        json.loads(line) for line in (folder / "evaluations.jsonl").read_text().splitlines()
    ]
    assert tables(section(found, "metrics"))["Evaluations"] == [
        {"step": line["step"], **line["metrics"]} for line in evaluations
    ]
    log = tables(section(found, "losses"))["Training log, newest last"]
    assert [row["step"] for row in log] == [1, 2, 3, 4, 5, 6]
    weights = json.loads((folder / "feature_weights.json").read_text("utf-8"))
    assert weights["step"] == 6
    names = [[f["name"] for f in layer["features"]] for layer in weights["layers"]]
    assert names == [["user_id", "city", "history"], ["item_id", "brand"]]
    assert "could not be made" not in found.text


def test_evaluate_writes_the_report_anew(
    trained: Pipeline, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(trained.config.model_dir)
    (folder / "report.html").unlink(missing_ok=True)
    (folder / "feature_weights.json").unlink()
    assert commands.run(evaluate, ["--config", str(folder / "pipeline.config")]) == 0
    assert f"report:     {folder / 'report.html'}" in capsys.readouterr().out.splitlines()
    checkpoint, rows = folder / "model.ckpt-6", trained.config.eval_input_path
    assert any(str(checkpoint) in line and rows in line for line in caplog.messages)
    found = parse((folder / "report.html").read_text("utf-8"))
    assert len(section(found, "features").all("svg")) == 2


def test_the_command(trained: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "deep" / "r.html"
    flags = ["--model_dir", trained.config.model_dir, "--output_path", str(target)]
    assert commands.run(report, flags) == 0
    assert f"report written to {target}" in capsys.readouterr().out
    assert len(parse(target.read_text("utf-8")).all("h2")) == 8


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(report, ["--model_dir", str(tmp_path / "none")]) == 2
    assert "none" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="no such model folder"):
        write_report(made.config(tmp_path))


def test_nothing_fails_by_the_report(full: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError("no ink")

    assert report_after(full).endswith("report.html")
    before = (Path(full.config.model_dir) / "report.html").read_bytes()
    monkeypatch.setattr(write, "page", fail)
    assert "RuntimeError: no ink" in report_after(full)
    assert (Path(full.config.model_dir) / "report.html").read_bytes() == before


def test_without_matplotlib_a_line_says_so(
    full: Pipeline, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with caplog.at_level(logging.WARNING):
        target = write_report(full)
    (record,) = caplog.records
    assert "pip install 'easyrec_lite[report]'" in record.getMessage()
    assert "\n" not in record.getMessage()
    assert parse(target.read_text("utf-8")).all("table")
