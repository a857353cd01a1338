"""Real processes, told to go and killed: what they come to is what an undisturbed run comes to."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.faults.__main__ import killed, whole
from benchmarks.faults.cases import flags, make_data
from benchmarks.faults.compare import differences
from benchmarks.faults.process import Training
from easyrec_lite.errors import RunError
from easyrec_lite.lock import only_run
from easyrec_lite.training.preemption import EXIT_CODE

NAME = "dssm_senet_on_taobao"


def test_a_run_told_to_go_and_then_killed_ends_as_one_never_stopped(tmp_path: Path) -> None:
    """The kills come while a checkpoint is written, or soon after, and in the export."""
    data, expected, model = (tmp_path / name for name in ("data", "whole", "model"))
    make_data(data)
    whole(NAME, data, expected)

    training = Training(flags(NAME, data, model), model)
    assert training.reached("step")
    with pytest.raises(RunError, match=f"process {training.process.pid} "), only_run(model):
        pytest.fail("two runs at once")
    training.process.terminate()
    assert training.wait() == EXIT_CODE
    assert "stopped by SIGTERM" in training.lines[-1]

    result = killed(NAME, data, model, expected, ["checkpoint", "export"], random.Random(1))
    assert result.kills
    assert result.faults == []


def test_the_comparison_sees_what_differs(tmp_path: Path) -> None:
    """A check of the check: on folders that differ in each way that it looks for."""
    import tensorflow as tf

    from easyrec_lite.training.checkpoints import Checkpoints
    from easyrec_lite.training.hooks import Report, Summaries

    for name, value in (("a", 1.0), ("b", 1.0 + 2**-23)):
        folder = tmp_path / name
        Checkpoints(folder, {"v": tf.Variable(value), "w": tf.Variable(2.0)}).save(1)
        summaries = Summaries(folder, 1)
        summaries.report(Report(1, 1, {"loss": value, "rate": 2.0}, 3.0 * value, 0.5, None))
        summaries.end(1)
        (folder / "evaluations.jsonl").write_text(name)
        (folder / f".{name}.tmp").touch()
    (tmp_path / "a" / "export" / "final" / "1").mkdir(parents=True)
    assert set(differences(tmp_path / "a", tmp_path / "b")) == {
        "left over: .a.tmp",
        "left over: export",
        "left over: export/final",
        "left over: export/final/1",
        "missing: .b.tmp",
        "differs: evaluations.jsonl",
        "differs: variables/v/.ATTRIBUTES/VARIABLE_VALUE",
        "differs: ('.', 'loss', 1)",
        f"{tmp_path}/a/export/final/1/manifest.json: error: an export has a manifest, "
        "which is missing",
    }
    assert differences(tmp_path / "b", tmp_path / "b") == []
