"""Real Taobao rows through the shipped configs; paths, batch and steps come by flags alone."""

from __future__ import annotations

from pathlib import Path

from easyrec_lite import make_item_table, train
from easyrec_lite.training.history import EvaluationHistory
from tests import commands
from tests.e2e.running import LISTWISE, POINTWISE, SAMPLER


def run(name: str, rows: Path, model: Path, *more: str) -> dict[str, float]:
    flags = [
        f"--config={name}",
        f"--train_input_path={rows}",
        f"--eval_input_path={rows}",
        f"--model_dir={model}",
        "--train_config.num_steps=8",
        "--train_config.save_checkpoints_steps=8",
        "--export_config.exporter_type=none",
        *more,
    ]
    assert commands.run(train, flags) == 0
    (evaluation,) = EvaluationHistory(model).read()
    return dict(evaluation.metrics)


def test_all_rows_pointwise(taobao_rows: Path, tmp_path: Path) -> None:
    metrics = run(POINTWISE, taobao_rows, tmp_path / "model", "--data_config.batch_size=1000")
    assert 0.3 < metrics["auc"] < 1.0
    assert metrics["loss/cross_entropy_loss"] < 0.7


def test_the_clicked_rows_listwise(taobao_rows: Path, tmp_path: Path) -> None:
    lines = taobao_rows.read_text(encoding="utf-8").splitlines()
    clicked = [line for line in lines if line.startswith("1,")]
    assert len(clicked) == 533
    rows, items = tmp_path / "clicked.csv", tmp_path / "items.txt"
    rows.write_text("\n".join(clicked) + "\n", encoding="utf-8")
    table = [f"--config={LISTWISE}", f"--train_input_path={taobao_rows}", f"--output={items}"]
    assert commands.run(make_item_table, table) == 0
    assert len(items.read_text(encoding="utf-8").splitlines()) == 8273 + 1
    flags = [f"--{SAMPLER}={items}", "--data_config.batch_size=100"]
    metrics = run(LISTWISE, rows, tmp_path / "model", *flags)
    assert metrics["loss/cross_entropy_loss"] > 0
    assert metrics["recall@1"] <= metrics["recall@10"] <= metrics["recall@50"]
