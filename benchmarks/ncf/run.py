"""One run in a process of its own: `python -m benchmarks.ncf.run SPEC RESULT CORE`.

SPEC is JSON: the case, the data folder, the model folder. RESULT gets its metrics, CPU and
wall-clock seconds of training, and numbers of weights. The process keeps to one CORE.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.ncf.baselines import BASELINES, Vectors
from benchmarks.ncf.cases import MODELS
from benchmarks.ncf.data import HELD_OUT
from benchmarks.ncf.held_out import HeldOut
from benchmarks.ncf.metrics import measure
from easyrec_lite.core.files import atomic_write
from easyrec_lite.datasets.movielens import COLUMNS


class Clock:
    """CPU seconds (all threads of the process) and wall-clock seconds since it was made."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.monotonic()

    def read(self) -> dict[str, float]:
        """Returns the seconds so far."""
        return {
            "cpu_seconds": time.process_time() - self._cpu,
            "wall_seconds": time.monotonic() - self._wall,
        }


def run_baseline(spec: dict[str, Any], held_out: HeldOut) -> tuple[Vectors, dict[str, Any]]:
    """Returns a baseline's vectors, and what it took."""
    clock = Clock()
    return BASELINES[spec["model"]](held_out.seen, len(held_out.items), spec["seed"]), clock.read()


def run_model(spec: dict[str, Any], held_out: HeldOut) -> tuple[Vectors, dict[str, Any]]:
    """Trains and exports a model; returns its vectors of users and items, and what it took."""
    from easyrec_lite.checks.check import load_config
    from easyrec_lite.runs.process import prepare

    data, folder = Path(spec["data"]), Path(spec["model_dir"])
    shutil.rmtree(folder, ignore_errors=True)
    pipeline = load_config(MODELS[spec["model"]], spec["edits"] | run_edits(data, folder))
    prepare(pipeline)
    from benchmarks.ncf.weights import WeightCount
    from easyrec_lite.runs.estimator import Estimator
    from easyrec_lite.runs.progress import make_progress
    from easyrec_lite.serving.export import ExportOptions
    from easyrec_lite.serving.item_vectors import read_ids, read_vectors

    logging.getLogger("easyrec_lite").setLevel(logging.INFO)
    counted = WeightCount()
    estimator = Estimator(pipeline, [make_progress(), counted])
    clock = Clock()
    result = estimator.train()
    took = clock.read() | {"steps": result.step, **counted.found}
    export = estimator.export(options=ExportOptions(item_path=str(data / "items.txt")))
    users = user_vectors(export, data / "test.csv")
    row_of = {item: row for row, item in enumerate(read_ids(export).tolist())}
    items = read_vectors(export)[[row_of[item] for item in held_out.items.tolist()]]
    shutil.rmtree(folder)
    return (users, items), took


def user_vectors(export: Path, path: Path) -> np.ndarray:
    """Returns what the user tower of an export makes of the rows in `path`, float32 [Q, D]."""
    import tensorflow as tf

    from easyrec_lite.serving.saved_model import SavedModel

    tower = SavedModel(export / "user_tower")
    rows = pd.read_csv(path, names=list(COLUMNS), dtype=str, keep_default_na=False)
    columns = {name: tf.constant(rows[name].tolist()) for name in tower.inputs}
    return tower(**columns)["user_tower_emb"].numpy()


def run_edits(data: Path, folder: Path) -> dict[str, Any]:
    """Returns the edits that name the folders, keep evaluation out, and keep to one core."""
    return {
        "train_input_path": str(data / "train.csv"),
        "eval_input_path": str(data / "test.csv"),
        "model_dir": str(folder),
        "train_config.intra_op_parallelism_threads": 1,
        "train_config.inter_op_parallelism_threads": 2,
    }


def main(argv: list[str]) -> int:
    """Runs the case of `argv[0]` on the core `argv[2]` and writes `argv[1]`."""
    os.sched_setaffinity(0, {int(argv[2])})
    spec = json.loads(Path(argv[0]).read_text())
    held_out = HeldOut.load(Path(spec["data"]) / HELD_OUT)
    vectors, took = (run_baseline if spec["model"] in BASELINES else run_model)(spec, held_out)
    result = {"case": spec, **took, "metrics": measure(*vectors, held_out)}
    atomic_write(argv[1], json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
