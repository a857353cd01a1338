"""The speed benchmark: what it prints and writes, never how fast; its jobs run in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.speed import (
    bench,
    input,
    limits,
    naive,
    scaling,
    sequence,
    serving,
    startup,
    step,
    training,
)
from benchmarks.speed import worker as worker_module
from benchmarks.speed.__main__ import SECTIONS, main
from benchmarks.speed.report import table
from benchmarks.speed.rows import LISTWISE, ROWS, SEQUENCE, Row
from easyrec_lite.checks.check import load_config
from easyrec_lite.runs import process as runtime
from tests.e2e.running import few_features

WINDOW = {"median", "min", "max"}
SMALL = Row(
    "small",
    LISTWISE.config,
    {
        "data_config.batch_size": 64,
        "data_config.negative_sampler.num_sample": 16,
        "feature_config.features[hash_bucket_size>50].hash_bucket_size": 50,
        "model_config.dssm.user_tower.dnn.hidden_units": [8, 4],
        "model_config.dssm.item_tower.dnn.hidden_units": [8, 4],
        **few_features(),
    },
)

WIDTH, BATCH, ITEMS = 8, 16, 3953
SHORT = Row(
    "short",
    SEQUENCE.config,
    {
        "data_config.batch_size": BATCH,
        "feature_config.features[embedding_dim=64].embedding_dim": WIDTH,
        "model_config.sequence_match.max_seq_len": 20,
    },
    sequences=True,
)


class Here(worker_module.Worker):
    """Does in this process what a worker does in its own."""

    def __init__(self, job: str, **arguments: Any):
        module, function = job.split(":")
        made = getattr(__import__(f"benchmarks.speed.{module}", fromlist=[function]), function)
        facts, self._window = made(json.loads(json.dumps(arguments)))
        self.facts = json.loads(json.dumps(facts))

    def window(self) -> dict[str, Any]:
        return {**self._window(), "peak_mb": worker_module.peak_mb()}

    def __exit__(self, *_: object) -> None:
        pass


class Trained:
    """Stands for a worker that trains, with a window of its own making."""

    def window(self) -> dict[str, Any]:
        return {"rows": 100, "seconds": 1.0, "cpu": 1.0, "peak_mb": 1.0}

    def __enter__(self) -> Trained:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small configs and no processes."""
    for module in (bench, input, limits, naive, serving):
        monkeypatch.setattr(module, "Worker", Here)
    for module in (limits, naive, serving):
        monkeypatch.setattr(module, "LISTWISE", SMALL)
    # Threads cannot be set any more in this process.
    monkeypatch.setattr(runtime, "use_threads", lambda *_: None)
    monkeypatch.setattr(step, "ROWS", [SMALL])
    monkeypatch.setattr(input, "ROWS", [SMALL])
    monkeypatch.setattr(input, "LISTWISE", SMALL)
    monkeypatch.setattr(
        input, "FORMATS", {name: input.FORMATS[name] for name in ("csv", "tfrecord")}
    )
    monkeypatch.setattr(naive, "BATCHES", 2)
    monkeypatch.setattr(sequence, "SEQUENCE", SHORT)
    monkeypatch.setattr(serving, "CALLS", {1: 3, 256: 2})
    monkeypatch.setattr(serving, "ITEM_BATCH", 32)


def run(tmp_path: Path, *sections: str) -> dict[str, Any]:
    file = tmp_path / "speed.json"
    flags = ["--quick", "--repeats", "2", "--seconds", "0.01", "--rows", "2000"]
    assert main([*flags, "--only", ",".join(sections), "--json", str(file)]) == 0
    found = json.loads(file.read_text("utf-8"))
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["tensorflow"] == tf.__version__
    return found


@pytest.mark.usefixtures("small")
def test_training_and_its_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(tmp_path, "step", "limits")
    (line,) = found["step"]
    assert line["config"] == "small"
    for name in ("examples/s", "CPU s/1e6", "ms/step", "wait"):
        assert set(line[name]) == WINDOW
        assert line[name]["min"] <= line[name]["median"] <= line[name]["max"]
    assert line["peak MB"] > 0
    peaks, bound, kept, alone, core, one = found["limits"]
    assert core["config"] == "one core"
    assert one["config"] == "small, one core"
    assert one["GFLOP"] == bound["GFLOP"]
    assert kept["config"] == "small, kept"
    assert kept["GFLOP"] == bound["GFLOP"]
    assert alone["config"] == "small, no input"
    assert alone["GFLOP"] == bound["GFLOP"]
    assert all(float(peaks[name]) > 0 for name in limits.PEAKS.values())
    parts = sum(float(bound[name].removesuffix(" ms")) for name in limits.PEAKS.values())
    assert bound["bound ms"] == pytest.approx(parts, abs=0.03)
    shown = capsys.readouterr().out
    assert step.TITLE in shown
    assert limits.TITLE in shown


@pytest.mark.usefixtures("small")
def test_input_serving_and_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naive.importlib.util, "find_spec", lambda name: None)
    found = run(tmp_path, "input", "serving", "naive")
    # How it trains ours was seen; what is new is the hand-written model.
    monkeypatch.setattr(bench.Bench, "training", lambda *_, **__: Trained())
    found |= run(tmp_path, "sequence")
    names = [line["input"] for line in found["input"]]
    assert names == ["csv, listwise", "tfrecord, listwise", "csv, pointwise"]
    assert all(line["raw rows/s"]["min"] > 0 for line in found["input"])
    (line,) = found["serving"]
    assert set(line) >= {"p50 at 1", "p99 at 1", "p50 at 256", "p99 at 256", "items/s"}
    assert line["p50 at 1"]["median"] <= line["p99 at 1"]["median"]
    for name in ("naive", "sequence"):
        assert [line["who"] for line in found[name]] == [
            "ours, from files",
            "ours, batches in memory",
            "keras fit",
        ]


def test_work_of_a_step(tmp_path: Path) -> None:
    from benchmarks.speed import data, work
    from easyrec_lite.runs.training_run import TrainingRun

    edits = {**data.edits(data.make(tmp_path, 2000), True, True), **SMALL.edits}
    run = TrainingRun(load_config(SMALL.config, {**edits, "model_dir": str(tmp_path)}), [], False)
    batch = next(iter(training.batches(run, {})))
    found = work.work(run.parts.model, batch)
    user, item = 48 * 8 + 8 * 4, 32 * 8 + 8 * 4
    assert found["flops"] == 3 * 2 * (user * 64 + item * 80 + 64 * 80 * 4)
    assert found["exponentials"] == 64 * 80
    ids = [np.asarray(batch.features[name].ids) for name in ("user_id", "age_level")]
    ids = [some[some >= 0] for some in ids]
    bare = {name: batch.features[name] for name in ("user_id", "age_level")}
    run.parts.model.embeddings.groups = {
        "user": [s for s in run.parts.model.embeddings.groups["user"] if s.name in bare]
    }
    rows = work._rows(run.parts.model, batch)
    distinct = sum(len(np.unique(some)) for some in ids)
    assert rows["scattered"] == 3 * distinct * 16 * 4
    assert rows["gathered"] == (sum(map(len, ids)) + 2 * distinct) * 16 * 4


def test_work_of_a_step_over_histories(tmp_path: Path) -> None:
    from benchmarks.speed import sequences, work
    from easyrec_lite.runs.training_run import TrainingRun

    edits = {**sequences.edits(sequences.make(tmp_path, 40)), **SHORT.edits}
    run = TrainingRun(load_config(SHORT.config, {**edits, "model_dir": str(tmp_path)}), [], False)
    batch = next(iter(training.batches(run, {})))
    inputs, targets, lengths = sequence.padded(batch, 20)
    assert inputs.shape == targets.shape == (BATCH, 21)
    np.testing.assert_array_equal((inputs > 0).sum(1), lengths)
    np.testing.assert_array_equal(
        inputs[:, 1:][inputs[:, 1:] > 0] - 2, targets[:, :-1][inputs[:, 1:] > 0]
    )
    own = batch.features["item_id"].ids.numpy()
    np.testing.assert_array_equal(targets[np.arange(BATCH), lengths - 1], own)
    steps, pairs = lengths.sum(), (lengths * (lengths + 1) / 2).sum()
    kernels = 2 * (WIDTH * 3 * WIDTH + WIDTH * WIDTH + 2 * WIDTH * 4 * WIDTH)
    places = 22 * WIDTH
    products = steps * (kernels + places) + 2 * 2 * pairs * WIDTH + steps * ITEMS * WIDTH
    assert work.work(run.parts.model, batch)["flops"] == 3 * 2 * products


def test_spread_ids_cover_the_table_and_follow_from_the_position(tmp_path: Path) -> None:
    from benchmarks.speed import data
    from easyrec_lite.runs.training_run import TrainingRun

    edits = {**data.edits(data.make(tmp_path, 2000), True, True), **SMALL.edits}
    edits["feature_config.features[input_names[0]=user_id].hash_bucket_size"] = 10_000
    run = TrainingRun(load_config(SMALL.config, {**edits, "model_dir": str(tmp_path)}), [], False)
    one, again = (next(iter(training.batches(run, {"spread": 10_000}))) for _ in range(2))
    ids = one.features["user_id"].ids.numpy()
    assert ids.tolist() == again.features["user_id"].ids.numpy().tolist()
    assert ids.min() >= 0
    assert 5_000 < ids.max() < 10_000
    assert len(one.negatives["adgroup_id"].ids) == 16


def test_a_worker_answers_and_tells_why_it_failed() -> None:
    with worker_module.Worker("limits:job", seconds=0.0001, threads=1) as made:
        assert set(made.window()) == {*limits.PEAKS.values(), "peak_mb"}
    with pytest.raises(RuntimeError, match="no_such_job"):
        worker_module.Worker("limits:no_such_job")


def test_every_size_is_a_config_without_problems() -> None:
    for row in ROWS:
        load_config(row.config, row.edits)
    cases = list(scaling._cases(quick=False))
    assert {what for what, *_ in cases} == {"tables", "batch", "negatives", "features"}
    for what, size, edits, _ in cases:
        config = load_config(LISTWISE.config, edits).config
        if what == "features":
            (user,) = (g for g in config.model_config.feature_groups if g.group_name == "user")
            assert len(user.feature_names) == size


def test_start_up_counts_until_the_awaited_line() -> None:
    import sys

    slow = "print('step 1/2', flush=True); import time; time.sleep(1000)"
    assert startup._until([sys.executable, "-c", slow], "step 1") < 900
    with pytest.raises(RuntimeError, match="no such thing"):
        startup._until([sys.executable, "-c", "raise SystemExit('no such thing')"], "step 1")


def test_the_table_keeps_and_prints_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [{"who": "a", "x": {"median": 1234.5, "min": 0.001, "max": 2}}, {"who": "b", "y": 3}]
    assert table(iter(lines)) == lines
    words = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert words == [["who", "x"], ["a", "1,234", "(0.001–2)"], ["who", "y"], ["b", "3"]]


def test_an_unknown_section_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "stepp"])
    assert "there are step, scaling" in capsys.readouterr().err
    assert set(SECTIONS) >= {"step", "limits"}
