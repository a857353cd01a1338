"""The Estimator in process, on few rows: events, exports, stopping, averages, warm starts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.checks.check import load_config
from easyrec_lite.core.errors import ConfigError, RunError
from easyrec_lite.core.locks import exclusive_run
from easyrec_lite.datasets import __main__ as datasets
from easyrec_lite.models.assembly import build
from easyrec_lite.runs.estimator import Estimator, Hook
from easyrec_lite.training.checkpoint_reading import read_variables, variable_shapes
from easyrec_lite.training.warm_start import warm_start
from tests.commands import call
from tests.e2e.running import few_features

CONFIG = "dssm_on_taobao"
SIDES = ("user", "item")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "data"
    flags = ["taobao-synthetic", "--rows", "3000", "--eval_rows", "500", "--users", "200"]
    call(datasets, [*flags, "--items", "300", "--out", str(folder)])
    return folder


def estimator(data: Path, folder: Path, hooks: Any = (), **edits: Any) -> Estimator:
    found = {
        "train_input_path": str(data / "train.csv"),
        "eval_input_path": str(data / "test.csv"),
        "model_dir": str(folder),
        "data_config.batch_size": 100,
        "data_config.eval_batch_size": 200,
        "train_config.num_steps": 8,
        "train_config.save_checkpoints_steps": 4,
        "train_config.log_step_count_steps": 2,
        "export_config.exporter_type": "none",
        "data_config.cache.mode": "OFF",
        "feature_config.features[:].embedding_dim": 4,
        **few_features(),
        "model_config.dssm.user_tower.dnn.hidden_units": [8, 4],
        "model_config.dssm.item_tower.dnn.hidden_units": [8, 4],
        **{path.replace("__", "."): value for path, value in edits.items()},
    }
    return Estimator(load_config(CONFIG, found), hooks)


class Recorder(Hook):
    def __init__(self) -> None:
        self.events: list[tuple[str, int]] = []

    def begin(self, trainer: Any, total_steps: int | None) -> None:
        self.events.append(("begin", int(trainer.step)))

    def report(self, report: Any) -> None:
        assert report.examples_per_second > 0
        assert 0 <= report.wait_share <= 1
        assert {"cross_entropy_loss", "total_loss", "learning_rate"} <= set(report.values)
        self.events.append(("report", report.step))

    def checkpoint(self, step: int, prefix: str) -> None:
        self.events.append(("checkpoint", step))

    def evaluated(self, step: int, metrics: Mapping[str, float]) -> None:
        assert 0 <= metrics["auc"] <= 1
        self.events.append(("evaluated", step))

    def end(self, step: int) -> None:
        self.events.append(("end", step))


def test_events_come_in_order_and_a_finished_run_does_nothing_more(
    data: Path, tmp_path: Path
) -> None:
    recorder = Recorder()
    final = {"export_config.exporter_type": "final"}
    result = estimator(data, tmp_path, [recorder], **final).train_and_evaluate()
    between = [("report", 2), ("report", 4), ("checkpoint", 4), ("evaluated", 4)]
    after = [("report", 6), ("report", 8), ("checkpoint", 8), ("evaluated", 8), ("end", 8)]
    assert recorder.events == [("begin", 0), *between, *after]
    assert result.export == tmp_path / "export" / "final" / "8"
    assert json.loads((tmp_path / "eval_result.json").read_text())["global_step"] == 8
    again = Recorder()
    repeated = estimator(data, tmp_path, [again], **final).train_and_evaluate()
    assert again.events == [("begin", 8), ("end", 8)]
    assert repeated.checkpoint == result.checkpoint


def test_metrics_do_not_depend_on_the_evaluation_batch(data: Path, tmp_path: Path) -> None:
    estimator(data, tmp_path).train()
    whole = estimator(data, tmp_path, data_config__eval_batch_size=500).evaluate()
    parts = estimator(data, tmp_path, data_config__eval_batch_size=7).evaluate()
    assert parts == pytest.approx(whole, rel=1e-4)
    first = estimator(data, tmp_path, eval_config__num_examples=60).evaluate()
    lines = (data / "test.csv").read_text().splitlines()[:60]
    (tmp_path / "first.csv").write_text("\n".join(lines) + "\n")
    assert first == pytest.approx(
        estimator(data, tmp_path).evaluate(path=str(tmp_path / "first.csv")), rel=1e-4
    )


@pytest.mark.usefixtures("empty_exports")
def test_latest_exports_are_kept_in_number_and_checkpoints_too(data: Path, tmp_path: Path) -> None:
    result = estimator(
        data,
        tmp_path,
        export_config__exporter_type="latest",
        export_config__exports_to_keep=2,
        train_config__save_checkpoints_steps=2,
        train_config__keep_checkpoint_max=3,
    ).train_and_evaluate()
    exports = sorted(path.name for path in (tmp_path / "export" / "latest").iterdir())
    assert exports == ["6", "8"]
    assert result.export == tmp_path / "export" / "latest" / "8"
    kept = sorted(path.stem for path in tmp_path.glob("model.ckpt-*.index"))
    assert kept == ["model.ckpt-4", "model.ckpt-6", "model.ckpt-8"]


@pytest.mark.usefixtures("empty_exports")
def test_early_stop_and_best_export(data: Path, tmp_path: Path) -> None:
    """The loss of a model that does not move never improves on its first evaluation."""
    rate = "train_config.optimizer_config[0].adam_optimizer.learning_rate"
    still: dict[str, Any] = {
        f"{rate}.exponential_decay_learning_rate.initial_learning_rate": 0.0,
        f"{rate}.exponential_decay_learning_rate.min_learning_rate": 0.0,
    }
    still |= {
        "export_config.exporter_type": "best",
        "export_config.enable_early_stop": True,
        "export_config.max_check_steps": 4,
        "train_config.num_steps": 40,
        "train_config.save_checkpoints_steps": 2,
        "data_config.shuffle": False,
        "model_config.dssm.user_tower.dnn.use_bn": False,
        "model_config.dssm.item_tower.dnn.use_bn": False,
    }
    result = estimator(data, tmp_path, **still).train_and_evaluate()
    assert result.step == 6
    assert "auc did not improve" in result.reason
    again = estimator(data, tmp_path, **still).train_and_evaluate()
    assert (again.step, again.reason) == (6, result.reason)
    assert [path.name for path in (tmp_path / "export" / "best").iterdir()] == ["2"]


def test_a_dead_line_in_the_past_stops_at_once_and_saves(data: Path, tmp_path: Path) -> None:
    result = estimator(data, tmp_path, train_config__dead_line="20200101 00:00:00").train()
    assert "dead_line" in result.reason
    assert result.step < 8
    assert result.checkpoint == str(tmp_path / f"model.ckpt-{result.step}")


def test_data_ends_a_run_without_steps(data: Path, tmp_path: Path) -> None:
    edits = {"train_config__num_steps": 0, "data_config__num_epochs": 1}
    edits["train_config__save_checkpoints_steps"] = 100
    result = estimator(data, tmp_path, **edits).train()
    assert (result.step, result.reason) == (30, "all data is read")
    again = Recorder()
    assert estimator(data, tmp_path, [again], **edits).train() == result
    assert again.events == [("begin", 30), ("end", 30)]


def test_moving_averages_are_what_is_evaluated(data: Path, tmp_path: Path) -> None:
    edits = {
        "train_config.optimizer_config[0].use_moving_average": True,
        "train_config.optimizer_config[0].moving_average_decay": 0.5,
    }
    result = estimator(data, tmp_path, **edits).train_and_evaluate()
    reader = tf.train.load_checkpoint(result.checkpoint)
    name = "variables/sim_w{}/.ATTRIBUTES/VARIABLE_VALUE"
    weight, average = (reader.get_tensor(name.format(end)) for end in ("", ".Saverage"))
    assert np.abs(weight - average).max() > 0
    assert estimator(data, tmp_path, **edits).evaluate() == pytest.approx(result.metrics, rel=1e-5)


def test_fine_tuning_takes_weights_by_a_map_and_says_what_fits_nothing(
    data: Path, tmp_path: Path
) -> None:
    first = estimator(data, tmp_path / "first").train()
    assert first.checkpoint
    shapes = variable_shapes(first.checkpoint)
    pairs = tmp_path / "map.txt"
    pairs.write_text("user_dnn/dnn_1/kernel item_dnn/dnn_1/kernel\n")
    assert shapes["user_dnn/dnn_1/kernel"] == shapes["item_dnn/dnn_1/kernel"]
    edits = {
        "train_config__fine_tune_checkpoint": str(tmp_path / "first"),
        "train_config__fine_tune_ckpt_var_map": str(pairs),
    }
    pipeline = estimator(data, tmp_path / "second", **edits).pipeline
    variables = build(pipeline).model.variables_by_name()
    assert set(warm_start(pipeline, variables)) == set(variables)
    stored = read_variables(first.checkpoint, ["item_dnn/dnn_1/kernel", "user_dnn/dnn_0/kernel"])
    for ours, theirs in (("user_dnn/dnn_1", "item_dnn/dnn_1"), ("user_dnn/dnn_0",) * 2):
        np.testing.assert_array_equal(variables[f"{ours}/kernel"], stored[f"{theirs}/kernel"])
    pairs.write_text("user_dnn/dnn_1/kernels item_dnn/dnn_1/kernel\none two three\n")
    with pytest.raises(ConfigError) as caught:
        warm_start(pipeline, variables)
    assert "nearest:  user_dnn/dnn_1/kernel" in str(caught.value)
    assert "map.txt:2" in str(caught.value)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_checkpoint(
    data: Path, tmp_path: Path
) -> None:
    estimator(data, tmp_path, train_config__num_steps=4).train()
    rate = "train_config.optimizer_config[0].adam_optimizer.learning_rate"
    wild = {f"{rate}.exponential_decay_learning_rate.initial_learning_rate": 1e38}
    again = estimator(data, tmp_path, train_config__num_steps=40, **wild)
    with pytest.raises(RunError, match=r"step \d+ is not finite") as caught:
        again.train()
    assert "gradient" in str(caught.value) or "loss" in str(caught.value)
    assert (tmp_path / "model.ckpt-4.index").exists()


def test_a_second_run_is_refused_before_it_writes_anything(data: Path, tmp_path: Path) -> None:
    with exclusive_run(tmp_path), pytest.raises(RunError, match="another run trains"):
        estimator(data, tmp_path).train_and_evaluate()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("role", "index"), [("worker", 0), ("ps", 0), ("evaluator", 0)])
def test_a_process_that_serves_the_chief_begins_no_training(
    data, tmp_path, monkeypatch, role: str, index: int
) -> None:
    cluster = {"chief": ["a:1"], "worker": ["b:1"], "ps": ["c:1"], "evaluator": ["d:1"]}
    task = {"type": role, "index": index}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    with pytest.raises(ConfigError, match=f"{role} {index} "):
        estimator(data, tmp_path / "model").train()
    assert not (tmp_path / "model").exists()


def test_a_refused_resume_leaves_the_config_of_the_checkpoint(data: Path, tmp_path: Path) -> None:
    estimator(data, tmp_path, train_config__num_steps=1, eval_input_path="").train()
    config = (tmp_path / "pipeline.config").read_bytes()
    with pytest.raises(ConfigError, match="another shape in the checkpoint"):
        estimator(data, tmp_path, **{"feature_config.features[:].embedding_dim": 8}).train()
    assert (tmp_path / "pipeline.config").read_bytes() == config
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model.ckpt-1")


def test_few_steps_are_said_to_leave_the_averages_of_batch_norm_young(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def said(use_bn: bool, folder: Path) -> list[str]:
        caplog.clear()
        towers = {f"model_config__dssm__{side}_tower__dnn__use_bn": use_bn for side in SIDES}
        estimator(data, folder, **towers).train()
        return [line for line in caplog.messages if "batch norm" in line]

    (line,) = said(True, tmp_path / "with")
    # 0.99 to the 8th power.
    assert "8 steps" in line
    assert "92 %" in line
    assert "batch_size" in line
    assert said(False, tmp_path / "without") == []
