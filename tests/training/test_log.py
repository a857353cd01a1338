"""The training log: a line a report, and what a run that goes on keeps of it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from easyrec_lite.core.errors import DataError
from easyrec_lite.training.history import EvaluationHistory
from easyrec_lite.training.hooks import StepReport
from easyrec_lite.training.log import FILE, TrainingLog, read_log


def report(step: int, loss: float = 1.5) -> StepReport:
    return StepReport(step, 10, {"total_loss": loss, "learning_rate": 0.1}, 2e3, 0.25, None)


def begun(folder: Path, step: int) -> TrainingLog:
    log = TrainingLog(folder)
    log.begin(SimpleNamespace(step=step), 10)
    return log


def steps(folder: Path) -> list[int]:
    return [entry["step"] for entry in read_log(folder / FILE)]


def test_a_line_a_report(tmp_path: Path) -> None:
    log = begun(tmp_path, 0)
    assert (tmp_path / FILE).read_text() == ""
    log.report(report(2))
    log.report(report(4, 1.25))
    first, second = (json.loads(line) for line in (tmp_path / FILE).read_text().splitlines())
    assert first["step"] == 2
    assert second == {
        "step": 4,
        "values": {"total_loss": 1.25, "learning_rate": 0.1},
        "examples_per_second": 2000.0,
        "input_wait_share": 0.25,
    }


def test_a_run_that_goes_on_drops_what_its_checkpoint_does_not_have(tmp_path: Path) -> None:
    log = begun(tmp_path, 0)
    for step in (2, 4, 6):
        log.report(report(step))
    log = begun(tmp_path, 4)
    assert steps(tmp_path) == [2, 4]
    log.report(report(6, 0.5))
    assert [entry["values"]["total_loss"] for entry in read_log(tmp_path / FILE)] == [1.5, 1.5, 0.5]


def test_a_line_cut_off_is_left_out_and_the_next_one_is_whole(tmp_path: Path) -> None:
    begun(tmp_path, 0).report(report(2))
    with (tmp_path / FILE).open("a") as file:
        file.write('{"step": 4, "val')
    assert steps(tmp_path) == [2]
    begun(tmp_path, 2).report(report(4))
    assert steps(tmp_path) == [2, 4]


@pytest.mark.parametrize("line", ["{", "[1]", '{"step": 1}', '{"metrics": {}}', "\udcff"])
def test_a_damaged_history(tmp_path: Path, line: str) -> None:
    history = EvaluationHistory(tmp_path)
    history.add(1, {"auc": 0.5})
    history.add(3, {"auc": 0.25})
    path = tmp_path / "evaluations.jsonl"
    content = path.read_bytes()
    path.write_bytes(content + line.encode(errors="surrogateescape") + b"\n")
    for use in (lambda: history.add(4, {}), lambda: history.at(3)):
        with pytest.raises(DataError, match=r"evaluations\.jsonl: error: the file is damaged"):
            use()
    path.write_bytes(content)
    best = history.best("auc", True, 3)
    assert best is not None
    assert best.step == 1


def test_no_file_and_broken_lines(tmp_path: Path) -> None:
    assert steps(tmp_path) == []
    (tmp_path / FILE).write_text("{}}\n")
    with pytest.raises(DataError, match=f"{FILE}: error: the file is damaged: .*Extra data"):
        steps(tmp_path)
