"""Real processes, told to go and killed: what they come to is what an undisturbed run comes to."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.faults.__main__ import killed, whole
from benchmarks.faults.cases import CASES, flags, make_data
from benchmarks.faults.compare import differences
from benchmarks.faults.process import Training
from easyrec_lite.core.errors import RunError
from easyrec_lite.core.locks import exclusive_run
from easyrec_lite.data.cache.encoding import entries
from easyrec_lite.data.cache.layout import CacheLayout
from easyrec_lite.data.cache.writer import CacheWriter
from easyrec_lite.training.preemption import EXIT_CODE
from tests.e2e.running import few_features

NAME = "dssm_senet_on_taobao"


def test_a_run_told_to_go_and_then_killed_ends_as_one_never_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kills come while rows are kept, or soon after; and exporting."""
    monkeypatch.setitem(CASES, NAME, {**CASES[NAME], **few_features()})
    data, expected, model = (tmp_path / name for name in ("data", "whole", "model"))
    make_data(data)
    whole(NAME, data, expected)

    training = Training(flags(NAME, data, model), model)
    assert training.reached("step")
    with pytest.raises(RunError, match=f"process {training.process.pid} "), exclusive_run(model):
        pytest.fail("two runs at once")
    training.process.terminate()
    assert training.wait() == EXIT_CODE
    assert "stopped by SIGTERM" in training.lines[-1]

    result = killed(NAME, data, model, expected, ["cache", "export"], random.Random(1))
    assert result.kills["cache"] == 1
    assert result.faults == []


def keep_rows(folder: Path, values: list[int]) -> None:
    """Makes a cache of one column, its rows as they stand in the data."""
    shutil.rmtree(folder, ignore_errors=True)
    layout = CacheLayout((tf.TensorSpec([None], tf.int64),))
    writer = CacheWriter(folder, layout, 1 << 30)
    writer.add(entries(layout, [np.array(values)], slice(0, len(values))), len(values))
    writer.index(len(values))[:] = range(len(values))
    writer.finish(folder / ("0" * 32), {"key": {}, "sizes": [len(values)], "bad": []})


def test_the_comparison_sees_what_differs(tmp_path: Path) -> None:
    """A check of the check: on folders that differ in each way that it looks for."""
    from easyrec_lite.training.checkpoints import Checkpoints
    from easyrec_lite.training.hooks import StepReport, Summaries

    for name, value in (("a", 1.0), ("b", 1.0 + 2**-23)):
        folder = tmp_path / name
        Checkpoints(folder, {"v": tf.Variable(value), "w": tf.Variable(2.0)}).save(1)
        summaries = Summaries(folder, 1)
        summaries.report(StepReport(1, 1, {"loss": value, "rate": 2.0}, 3.0 * value, 0.5, None))
        summaries.end(1)
        (folder / "evaluations.jsonl").write_text(name)
        (folder / f".{name}.tmp").touch()
    (tmp_path / "a" / "export" / "final" / "1").mkdir(parents=True)
    keep_rows(tmp_path / "a" / "cache", [1, 2, 3])
    keep_rows(tmp_path / "b" / "cache", [3, 1, 2])
    assert "differs: 00000000000000000000000000000000/int64" in differences(
        tmp_path / "a", tmp_path / "b"
    )
    keep_rows(tmp_path / "b" / "cache", [1, 2, 3])
    (tmp_path / "a" / "cache" / ".building-x.tmp-elsewhere-1").mkdir()
    assert set(differences(tmp_path / "a", tmp_path / "b")) == {
        "left over: .a.tmp",
        "left over: .building-x.tmp-elsewhere-1",
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
