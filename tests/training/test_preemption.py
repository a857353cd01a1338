"""SIGTERM: what was done is saved, nothing is half written, and the next start goes on as ever."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from easyrec_lite.datasets import __main__ as datasets
from easyrec_lite.evaluation import evaluation
from easyrec_lite.runs.estimator import Hook
from easyrec_lite.serving import export
from easyrec_lite.training.preemption import EXIT_CODE, Preemption, Terminated
from tests.children import started
from tests.commands import call
from tests.e2e.resuming import assert_equal_checkpoints
from tests.runs.test_estimator import estimator


def terminate(*anything: Any) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_the_signal_waits_or_acts_at_once_as_told() -> None:
    before = signal.getsignal(signal.SIGTERM)
    done = []
    with Preemption() as preemption:
        with preemption.waiting():
            assert preemption.should_stop(1) == ""
            terminate()
            done.append("the step")
            assert preemption.should_stop(1) != ""
            with pytest.raises(Terminated), preemption.at_once():
                done.append("never")
            done.append("the checkpoint")
        with pytest.raises(Terminated) as caught:
            preemption.check()
    assert done == ["the step", "the checkpoint"]
    assert caught.value.code == EXIT_CODE == 143
    with Preemption() as preemption, preemption.waiting():
        with pytest.raises(Terminated), preemption.at_once():
            terminate()
        with pytest.raises(Terminated):
            preemption.check()
    assert signal.getsignal(signal.SIGTERM) is before


STUCK = """
import ctypes
from easyrec_lite.training import preemption
preemption.HANDLED_SECONDS = 0.5
wait = ctypes.CDLL(None).pthread_mutex_lock  # which no signal interrupts
mutex = ctypes.create_string_buffer(64)
with preemption.Preemption():
    print("ready", flush=True)
    wait(mutex)
    wait(mutex)
"""


def test_a_process_that_is_stuck_outside_of_python_ends_too() -> None:
    process = started(STUCK)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == EXIT_CODE
    process.communicate()


class TerminateAt(Hook):
    """Sends the signal at one event."""

    def __init__(self, event: str, step: int):
        self._at = event, step

    def report(self, report: Any) -> None:
        if self._at == ("report", report.step):
            terminate()

    def checkpoint(self, step: int, prefix: str) -> None:
        if self._at == ("checkpoint", step):
            terminate()


def runner(folder: Path) -> Callable[..., Any]:
    """Returns a function that trains 6 steps of 100 rows; it evaluates after 4 and after 6."""
    data = folder / "data"
    flags = ["taobao-synthetic", "--rows", "500", "--eval_rows", "300", "--users", "100"]
    call(datasets, [*flags, "--items", "100", "--out", str(data)])

    def run(model: Path, *hooks: Hook) -> Any:
        changes = {
            "train_config__num_steps": 6,
            "train_config__log_step_count_steps": 1,
            "export_config__exporter_type": "final",
        }
        return estimator(data, model, hooks, **changes).train_and_evaluate()

    return run


def files(model: Path) -> set[str]:
    """Returns the names of all files and folders in a model folder, but for event files."""
    found = {path.relative_to(model).as_posix() for path in model.rglob("*")}
    return {name for name in found if "tfevents" not in name}


@pytest.mark.usefixtures("empty_exports")
def test_a_run_told_to_go_again_and_again_ends_as_one_never_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runner(tmp_path)
    whole, model = tmp_path / "whole", tmp_path / "model"
    expected = run(whole)

    with pytest.raises(Terminated):
        run(model, TerminateAt("report", 2))
    assert {"model.ckpt-2.index", "model.ckpt-2.data-00000-of-00001"} <= files(model)
    assert "evaluations.jsonl" not in files(model)

    with pytest.raises(Terminated):
        run(model, TerminateAt("checkpoint", 4))
    assert "model.ckpt-4.index" in files(model)
    assert "evaluations.jsonl" not in files(model)

    with monkeypatch.context() as patch:
        patch.setattr(evaluation.MetricEvaluator, "run", terminate)
        with pytest.raises(Terminated):
            run(model)
    assert "evaluations.jsonl" not in files(model)

    with monkeypatch.context() as patch:
        patch.setattr(export, "write_manifest", terminate)
        with pytest.raises(Terminated):
            run(model)
    assert not [name for name in files(model) if name.startswith("export/final/")]

    found = run(model)
    assert found.metrics == expected.metrics
    assert_equal_checkpoints(found.checkpoint, expected.checkpoint)
    for name in ("evaluations.jsonl", "eval_result.json"):
        assert (model / name).read_bytes() == (whole / name).read_bytes()
    left_over = {"model.ckpt-2.index", "model.ckpt-2.data-00000-of-00001"}
    assert files(model) - left_over == files(whole)
