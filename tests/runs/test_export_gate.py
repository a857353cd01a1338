"""Which models are exported, and how a run ends whose model is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from easyrec_lite.checks.check import check
from easyrec_lite.config import loads
from easyrec_lite.core.errors import NotExported
from easyrec_lite.runs.estimator import Estimator
from tests.runs.test_changed_config import CONFIG


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rng = np.random.default_rng(5)
    rows = [
        f"{i % 2},{i % 3 % 2},u{i % 7},a,x|y,{rng.random() * 3:.2f},{i % 20}\n" for i in range(40)
    ]
    (tmp_path / "train.csv").write_text("".join(rows))
    (tmp_path / "zeros.csv").write_text("".join(f"0{row[1:]}" for row in rows))
    monkeypatch.chdir(tmp_path)
    return tmp_path


pytestmark = pytest.mark.usefixtures("empty_exports")


def run(export: str, edits: dict[str, str] | None = None, steps: int = 4) -> Estimator:
    text = CONFIG.replace("num_steps: 4", f"num_steps: {steps} save_checkpoints_steps: 2")
    for old, new in (edits or {}).items():
        assert old in text
        text = text.replace(old, new)
    return Estimator(loads(text + f"export_config {{ {export} }}", "my.config"))


def exported(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "run").glob("export/*/*") if path.is_dir())


ZEROS = {'eval_input_path: "train.csv"': 'eval_input_path: "zeros.csv"'}


def test_best_by_a_metric_that_is_undefined_exports_nothing_and_says_so(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(NotExported, match="auc") as caught:
        run('exporter_type: "best"', ZEROS).train_and_evaluate()
    assert caught.value.exit_code == 3
    assert exported(folder) == []
    reasons = [line for line in caplog.messages if "labels" in line]
    assert len(reasons) == 1


def test_a_metric_that_vanishes_keeps_the_best_export(folder: Path) -> None:
    run('exporter_type: "best"').train_and_evaluate()
    (before,) = exported(folder)
    result = run('exporter_type: "best"', ZEROS, steps=8).train_and_evaluate()
    assert result.step == 8
    assert exported(folder) == [before]


def test_early_stop_by_a_metric_that_is_undefined_does_not_stop(folder: Path) -> None:
    stop = 'exporter_type: "latest" enable_early_stop: true max_check_steps: 1'
    assert run(stop, ZEROS, steps=6).train_and_evaluate().step == 6


@pytest.mark.parametrize(
    ("metric", "good"),
    [
        ("loss/total_loss", True),
        ("loss/loss/total_loss", True),  # as EasyRec spells it
        ("loss/cross_entropy_loss", True),
        ("loss/totl_loss", False),
        ("loss/reg_pos_loss", False),  # of a listwise model
        ("ndcg", False),
    ],
)
def test_names_of_metrics_are_checked(metric: str, good: bool) -> None:
    export = f'export_config {{ exporter_type: "best" best_exporter_metric: "{metric}" }}'
    errors = [each for each in check(loads(CONFIG + export)) if each.severity == "error"]
    assert bool(errors) != good
    if not good:
        assert errors[0].path == "export_config.best_exporter_metric"
        assert "loss/total_loss" in errors[0].expected


def test_best_by_easyrecs_name_of_the_loss(folder: Path) -> None:
    named = 'best_exporter_metric: "loss/loss/total_loss" metric_bigger: false'
    run(f'exporter_type: "best" {named}').train_and_evaluate()
    assert exported(folder)


def test_a_run_without_a_step_exports_nothing(folder: Path) -> None:
    few = {"batch_size: 8": "batch_size: 64 drop_remainder: true num_epochs: 1"}
    with pytest.raises(NotExported) as caught:
        run("", few).train_and_evaluate()
    assert "batch_size" in str(caught.value)
    assert exported(folder) == []


@pytest.mark.parametrize(("floor", "good"), [(0.0, True), (0.999, False)])
def test_a_floor_of_the_metric(floor: float, good: bool, folder: Path) -> None:
    estimator = run(f"metric_floor: {floor}")
    if good:
        estimator.train_and_evaluate()
    else:
        with pytest.raises(NotExported, match="metric_floor") as caught:
            estimator.train_and_evaluate()
        assert "0.999" in str(caught.value)
    assert bool(exported(folder)) == good


def test_above_popularity_needs_a_full_ranking() -> None:
    errors = check(loads(CONFIG + "export_config { above_popularity: true }"))
    assert "export_config.above_popularity" in {each.path for each in errors}


def test_weights_that_are_not_finite_are_not_exported(folder: Path) -> None:
    run('exporter_type: "none"').train()
    estimator = run("")
    restored = estimator._restored

    def broken(checkpoint: str | None) -> Any:
        parts, step = restored(checkpoint)
        table = parts.model.tables["user/city/embedding"]
        table.assign(tf.fill(table.shape, float("nan")))
        return parts, step

    estimator._restored = broken  # type: ignore[method-assign]
    with pytest.raises(NotExported, match="user/city/embedding"):
        estimator.export()
    assert exported(folder) == []
