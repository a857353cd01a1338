"""Losses, metrics and readers of a plug-in: named in a config, checked, trained with, evaluated."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from easyrec_lite.datasets import __main__ as datasets
from tests.commands import call
from tests.e2e.running import few_features
from tests.test_api import PAGE
from tests.test_readme import ROOT, blocks

PROGRAM = """
import sys
import my_plugin
from easyrec_lite import Estimator, check_config, load_config
edits = {edits}
errors = [p for p in check_config("dssm_on_taobao.config", edits) if p.severity == "error"]
assert not errors, errors
estimator = Estimator(load_config("dssm_on_taobao.config", edits))
estimator.train()
metrics = estimator.evaluate()
print({{name: value for name, value in metrics.items() if name != "global_step"}})
"""


def test_the_losses_and_metrics_of_the_page_train_and_evaluate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = ["--rows", "300", "--users", "120", "--items", "80"]
    call(datasets, ["taobao-synthetic", "--out", "data/taobao-synthetic", *rows])
    parts = [block for block in blocks(PAGE, "python") if "@register_" in block]
    (tmp_path / "my_plugin.py").write_text("\n".join(parts), "utf-8")
    edits = {
        "model_dir": str(tmp_path / "model"),
        "train_config.num_steps": 3,
        "data_config.batch_size": 32,
        "model_config.loss_type": "ORDER_CALIBRATE_LOSS",
        "eval_config.metrics_set": [{"custom_metric": {}}],
        **few_features(),
    }
    command = [sys.executable, "-c", PROGRAM.format(edits=edits)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "mean_prediction" in done.stdout.splitlines()[-1]
    assert "order_calibrate_loss" in done.stdout.splitlines()[-1]


READING = """
import my_plugin
from easyrec_lite.checks.check import check
from easyrec_lite.data.readers.base import open_reader
from tests.data.reading import column, pipeline
config = pipeline("user item", input_type="RTPInput")
assert not [p for p in check(config) if "RTPInput" in p.message], check(config)
reader = open_reader(config, "rows.txt", training=True)
print(column(reader, "user"), column(reader, "item"))
"""


def test_the_reader_of_the_page_reads(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("user=a\titem=1\nitem=2\tuser=b=c\nuser=d\n")
    (block,) = (block for block in blocks(PAGE, "python") if "@register_reader" in block)
    (tmp_path / "my_plugin.py").write_text(block, "utf-8")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    command = [sys.executable, "-c", READING]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == "[b'a', b'b=c', b'd'] [b'1', b'2', b'']\n"
