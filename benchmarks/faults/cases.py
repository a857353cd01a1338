"""The seed models' configs on few rows: small edits, so that a run takes seconds."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from easyrec_lite.datasets import __main__ as datasets

Edits = Mapping[str, Any]

# A run of twelve steps, saved, evaluated and perhaps exported after every fourth.
SMALL: Edits = {
    "feature_config.features[hash_bucket_size>500].hash_bucket_size": 500,
    "data_config.negative_sampler.num_sample": 20,
    "data_config.batch_size": 30,
    "data_config.eval_batch_size": 50,
    "train_config.num_steps": 12,
    "train_config.save_checkpoints_steps": 4,
    "train_config.log_step_count_steps": 1,
    "train_config.save_summary_steps": 1,
}
# Where each run keeps its rows, in its model folder.
CACHE = "cache"
# What the cases differ in, so that each way to end and to export is there.
CASES: Mapping[str, Edits] = {
    "dssm_senet_on_taobao": {
        "train_config.keep_checkpoint_max": 1,
        "model_config.softmax.logq": "STREAMING",
        "model_config.dssm_senet.user_tower.dnn.dropout_ratio": [0.3],
        "model_config.dssm_senet.item_tower.dnn.use_bn": True,
    },
    "dat_on_taobao": {
        "export_config.exporter_type": "latest",
        "export_config.exports_to_keep": 1,
        "eval_config.full_ranking": {"topk": [10]},
    },
    "dssm_senet_on_taobao_backbone": {
        "export_config.exporter_type": "best",
        "export_config.best_exporter_metric": "recall@10",
        "train_config.keep_checkpoint_max": 1,
    },
    "parallel_dssm_on_taobao_backbone": {
        "train_config.num_steps": 0,
        "data_config.num_epochs": 3,
        "data_config.cache.mode": "ALWAYS",
    },
}


def make_data(folder: Path) -> None:
    """Writes the rows and the item table of all cases to `folder`."""
    sizes = ["--rows", "1800", "--eval_rows", "1000", "--users", "150", "--items", "200"]
    with contextlib.redirect_stdout(io.StringIO()):
        flags = ["taobao-synthetic", *sizes, "--out", str(folder)]
        datasets.main(datasets.parser().parse_args(flags))


def flags(name: str, data: Path, model: Path) -> list[str]:
    """Returns the flags of `easyrec_lite.train` for case `name`."""
    edits = {
        **SMALL,
        **CASES[name],
        "data_config.negative_sampler.input_path": str(data / "items.txt"),
        "data_config.cache.folder": str(model / CACHE),
    }
    return [
        f"--config={name}",
        f"--train_input_path={data / 'train_clicked.csv'}",
        f"--eval_input_path={data / 'test_clicked.csv'}",
        f"--model_dir={model}",
        f"--edit_config_json={json.dumps(edits)}",
    ]
