"""Replicas that step together against one process with the batches of all: the same losses?

`python -m benchmarks.distributed.equivalence` trains each case on few rows three times: in one
process with batches of B rows, on two logical devices (MirroredStrategy) and in two processes
(MultiWorkerMirroredStrategy) with batches of B/2. The replicas exchange negatives and batch norm's
moments. It prints the largest relative difference of the losses of the first steps, and of all:
what begins as rounding grows where a step amplifies it, as Adam does with gradients that are
nothing but rounding (of a bias before batch norm), and as a choice of the hardest negatives does.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from easyrec_lite.checks.check import load_config
from easyrec_lite.config import save
from easyrec_lite.distribution.cluster import VARIABLE
from easyrec_lite.distribution.local_cluster import LocalCluster
from easyrec_lite.runs.process import load_tensorflow
from easyrec_lite.training.log import read_log

REPLICAS = 2
FIRST_STEPS = 3
HOW = ("MirroredStrategy", "MultiWorkerMirroredStrategy")
EDITS: Mapping[str, Any] = {
    "feature_config.features[hash_bucket_size>500].hash_bucket_size": 500,
    "train_config.save_checkpoints_steps": 1000,
    "train_config.log_step_count_steps": 1,
    "train_config.sync_batch_norm": True,
    "export_config.exporter_type": "none",
}


@dataclass(frozen=True)
class Case:
    """A config of `configs/`, its edits, B, and whether its negatives are the rows' alone.

    Sampled negatives are drawn by each replica for itself, so that they are not those of one
    process.
    """

    config: str
    edits: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int = 60
    steps: int = 20
    rows: str = "train_clicked.csv"


GATHERED = {"model_config.softmax.cross_replica_negatives": True}
STREAMING = {
    **GATHERED,
    "model_config.softmax.mask_false_negatives": True,
    "model_config.softmax.logq": "STREAMING",
    "model_config.softmax.item_id": "adgroup_id",
}
CASES = {
    "dssm_senet, masks, logQ counted": Case(
        "dssm_senet_on_taobao",
        {
            **GATHERED,
            "model_config.softmax.mask_false_negatives": True,
            "model_config.softmax.logq": "COUNTED",
            "model_config.softmax.item_id": "adgroup_id",
        },
    ),
    "dssm, streaming logQ": Case("dssm_neg_sampler_on_taobao", STREAMING),
    "dssm, streaming logQ, hardest negatives": Case(
        "dssm_neg_sampler_on_taobao", {**STREAMING, "model_config.softmax.hardest_negatives": 20}
    ),
    "dat": Case("dat_on_taobao", GATHERED),
    "parallel_dssm": Case("parallel_dssm_on_taobao_backbone", GATHERED, steps=10),
    "dssm pointwise, weights, to the last row": Case(
        "dssm_on_taobao",
        {"data_config.num_epochs": 1, "data_config.sample_weight": "price"},
        batch_size=62,
        steps=0,
        rows="train.csv",
    ),
}


def losses(folder: Path) -> dict[int, float]:
    """Returns step → total loss of a run."""
    entries = read_log(folder / "training_log.jsonl")
    return {entry["step"]: entry["values"]["total_loss"] for entry in entries}


def difference(found: Mapping[int, float], expected: Mapping[int, float]) -> float:
    """Returns the largest relative difference; infinite when the steps are not the same."""
    if found.keys() != expected.keys():
        return float("inf")
    return max(abs(found[step] - loss) / abs(loss) for step, loss in expected.items())


def command(case: Case, data: Path, model: Path, how: str) -> list[str]:
    """Returns the flags of `train`; writes the config that they name beside `model`."""
    batch = case.batch_size if how == "NoStrategy" else case.batch_size // REPLICAS
    edits = {
        **EDITS,
        "model_dir": str(model),
        "train_input_path": str(data / case.rows),
        "eval_input_path": "",
        "train_config.num_steps": case.steps,
        "data_config.batch_size": batch,
        "train_config.train_distribute": how,
        **case.edits,
    }
    pipeline = load_config(case.config, edits)
    pipeline.config.data_config.ClearField("negative_sampler")
    file = model.with_suffix(".config")
    save(pipeline, file)
    return [f"--config={file}"]


def train(flags: Sequence[str], how: str, replicas: int = REPLICAS) -> None:
    """Trains in processes of its own.

    Raises:
      RuntimeError: it failed; with what it said.
    """
    if how == "MultiWorkerMirroredStrategy":
        said = io.BytesIO()
        with LocalCluster({"worker": replicas}, ["-m", "easyrec_lite.train", *flags], said) as made:
            made.start()
            code = next(filter(None, (member.process.wait() for member in made.members)), 0)
        text = said.getvalue().decode()
    else:
        module = ["easyrec_lite.train"]
        if how == "MirroredStrategy":
            module = ["benchmarks.distributed.mirrored", str(replicas)]
        done = subprocess.run(
            [sys.executable, "-m", *module, *flags],
            capture_output=True,
            text=True,
            check=False,
            env={name: value for name, value in os.environ.items() if name != VARIABLE},
        )
        code, text = done.returncode, done.stdout + done.stderr
    if code:
        raise RuntimeError(f"exit code {code}:\n{text[-4000:]}")


def compare(
    name: str, data: Path, folder: Path, ways: Sequence[str] = HOW
) -> dict[str, tuple[float, float]]:
    """Returns way → largest relative differences of a case's losses from one process's.

    They are those of the first steps, and of all.
    """
    case = CASES[name]
    found = {}
    for how in ("NoStrategy", *ways):
        model = folder / how
        train(command(case, data, model, how), how)
        found[how] = losses(model)
    one = found["NoStrategy"]
    return {
        how: (difference(_first(found[how]), _first(one)), difference(found[how], one))
        for how in ways
    }


def _first(losses: Mapping[int, float]) -> dict[int, float]:
    return {step: loss for step, loss in losses.items() if step <= FIRST_STEPS}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.distributed.equivalence")
    parser.add_argument("--case", action="append", choices=CASES, help="only this; repeatable")
    parser.add_argument("--json", type=Path, help="write the differences to this file")
    args = parser.parse_args(argv)
    load_tensorflow()
    from benchmarks.faults.cases import make_data

    print(f"largest relative difference in the first {FIRST_STEPS} steps, and in all")
    table = {}
    with tempfile.TemporaryDirectory() as folder:
        make_data(Path(folder) / "data")
        for number, name in enumerate(args.case or CASES):
            own = Path(folder) / str(number)
            own.mkdir()
            table[name] = compare(name, Path(folder) / "data", own)
            shown = "  ".join(f"{how} {a:.1e} {b:.1e}" for how, (a, b) in table[name].items())
            print(f"{name}: {shown}", flush=True)
    if args.json:
        args.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
