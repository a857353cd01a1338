"""How the chief's end is told, and what an evaluator makes of a run's checkpoints."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from easyrec_lite.core.errors import PeerLost, Problem, RunError
from easyrec_lite.datasets import __main__ as datasets
from easyrec_lite.distribution.ending import RunEndWatcher, announce_end
from easyrec_lite.runs.evaluator import evaluate_each, last_evaluated
from easyrec_lite.training.history import EvaluationHistory
from tests.commands import call
from tests.runs.test_estimator import estimator


def test_the_end_is_told_with_its_code(tmp_path: Path) -> None:
    ending = RunEndWatcher(tmp_path)
    with announce_end(tmp_path):
        assert ending.code() is None
    assert ending.code() == 0
    assert ending.wait() == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RunError(Problem("full")), 2),
        (PeerLost(Problem("gone")), 75),
        (SystemExit(143), 143),
        (ValueError("a bug"), 1),
    ],
)
def test_an_error_ends_the_others_too(tmp_path: Path, error: BaseException, code: int) -> None:
    ending = RunEndWatcher(tmp_path)
    with pytest.raises(type(error)), announce_end(tmp_path):
        raise error
    assert ending.code() == code


def test_a_full_disk_hides_no_other_failure(tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise RunError(Problem("no room"))

    monkeypatch.setattr("easyrec_lite.distribution.ending.atomic_write", full)
    with pytest.raises(PeerLost, match="gone"), announce_end(tmp_path):
        raise PeerLost(Problem("gone"))
    with pytest.raises(RunError, match="no room"), announce_end(tmp_path):
        pass


def test_the_end_of_an_earlier_run_does_not_count(tmp_path: Path) -> None:
    with announce_end(tmp_path):
        pass
    ending = RunEndWatcher(tmp_path)
    assert ending.code() is None
    with announce_end(tmp_path):
        assert ending.code() is None
    assert ending.code() == 0


def test_a_run_that_starts_afresh_is_judged_from_its_first_step_on(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    assert last_evaluated(folder, []) == -1
    EvaluationHistory(folder).add(1000, {"auc": 0.5})
    assert last_evaluated(folder, []) == 1000
    folder.rename(tmp_path / "model.old-1")
    assert last_evaluated(folder, []) == -1
    assert last_evaluated(folder, [4, 8]) == 8


def test_an_evaluator_judges_every_checkpoint_and_exports(tmp_path: Path) -> None:
    data = tmp_path / "data"
    flags = ["taobao-synthetic", "--rows", "600", "--eval_rows", "200", "--users", "100"]
    call(datasets, [*flags, "--items", "100", "--out", str(data)])
    edits = {"train_config__num_steps": 6, "export_config__exporter_type": "final"}
    expected = estimator(data, tmp_path / "alone", **edits).train_and_evaluate()
    trained = estimator(data, tmp_path / "run", **edits)
    codes: list[int] = []
    evaluator = threading.Thread(target=lambda: codes.append(evaluate_each(trained.pipeline)))
    (tmp_path / "run").mkdir()
    evaluator.start()
    with announce_end(tmp_path / "run"):
        trained.train()
    evaluator.join()
    assert codes == [0]
    alone, found = (EvaluationHistory(tmp_path / name).read() for name in ("alone", "run"))
    assert [entry.step for entry in found] == [4, 6] == [entry.step for entry in alone]
    assert found[-1].metrics == pytest.approx(expected.metrics, abs=1e-6)
    assert (tmp_path / "run" / "export" / "final" / "6").is_dir()
