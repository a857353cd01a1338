"""A study of two real runs."""

from __future__ import annotations

import json
from pathlib import Path

from easyrec_lite import tune
from easyrec_lite.checks.check import load_config
from easyrec_lite.datasets import __main__ as datasets
from easyrec_lite.training.checkpoint_files import checkpoint_paths
from tests.commands import call

CONFIG = "mf_on_taobao.config"
METRIC = "full_ranking/excluded/recall@10"
TEMPERATURE = "model_config.dssm.temperature"
WIDTH = "feature_config.features[:].embedding_dim"


def test_trials_are_runs_whose_metric_decides(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "study"
    call(datasets, ["taobao-synthetic", "--out", data, "--rows", 1800])
    argv = [
        *("--config", CONFIG, "--study_dir", folder, "--trials", 2, "--jobs", 2),
        *("--search", f"{TEMPERATURE}=log(0.05, 5)", "--search", f"{WIDTH}=choice(4, 8)"),
        *("--metric", METRIC, "--train_input_path", data / "train_clicked.csv"),
        *("--eval_input_path", data / "test_clicked.csv"),
        f"--data_config.negative_sampler.input_path={data / 'items.txt'}",
        '--eval_config.full_ranking={"topk": [10]}',
        *("--train_config.num_steps=6", "--train_config.save_checkpoints_steps=3"),
        *("--data_config.batch_size=64", "--export_config.exporter_type=none"),
    ]
    assert call(tune, argv) == 0
    models = [folder / "trials" / str(number) / "model" for number in (0, 1)]
    values = [json.loads((model / "eval_result.json").read_text())[METRIC] for model in models]
    best = values.index(max(values))
    assert [bool(checkpoint_paths(model)) for model in models] == [best == 0, best == 1]
    assert repr(max(values)) in (folder / "study.html").read_text("utf-8")

    # The config of the best trial is that of the run, but for its folder and its threads.
    found = load_config(folder / "best.config").config
    run = load_config(models[best] / "pipeline.config").config
    assert run.model_dir == str(models[best])
    assert {each.embedding_dim for each in found.feature_config.features} <= {4, 8}
    for config in (found, run):
        config.model_dir = ""
        config.train_config.ClearField("inter_op_parallelism_threads")
        config.train_config.ClearField("intra_op_parallelism_threads")
    assert found == run
