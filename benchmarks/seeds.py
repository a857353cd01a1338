"""Do the listwise configs learn with every seed? Trains each one with several seeds.

The data are made by `easyrec_lite.datasets taobao-synthetic`. Each run is a process of its own; it
trains a config and then ranks the held-out clicks among the candidates of a batch and among all
items. A run learns if it exceeds popularity (an item's clicks in training) by the factors in
`MARGINS`. Results are kept in the out folder: the same command runs only what is missing. Flags
such as `--train_config.num_steps=100` edit the config of every run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import statistics
import subprocess
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from easyrec_lite.core.files import atomic_write
from easyrec_lite.runs.command_line import Parser, run

ROOT = Path(__file__).parents[1]
CONFIGS = (
    "dssm_senet_on_taobao",
    "dssm_senet_on_taobao_backbone",
    "parallel_dssm_on_taobao_backbone",
    "dat_on_taobao",
)
# K → how many times the recall@K of popularity a model has that learns.
MARGINS = {10: 1.05, 50: 1.3}
IN_BATCH = "recall_in_batch@10"


class Result(NamedTuple):
    """What one run reached.

    Attributes:
      config: name of the config.
      seed: of initial weights, order of rows and sampled items.
      in_batch: recall@10 among the clicked items of an evaluation batch.
      recall: K → recall@K among all items.
      popularity: the same, of popularity.
    """

    config: str
    seed: int
    in_batch: float
    recall: dict[int, float]
    popularity: dict[int, float]

    @property
    def learns(self) -> bool:
        """Whether recall exceeds that of popularity by all margins."""
        return all(self.recall[k] > MARGINS[k] * self.popularity[k] for k in MARGINS)


def parser() -> Parser:
    """Returns the parser of the command's flags."""
    made = Parser(
        prog="python -m benchmarks.seeds",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add("--configs", nargs="+", default=list(CONFIGS), metavar="NAME", help="default: all four")
    add("--seeds", nargs="+", type=int, default=list(range(8)), help="default: 0 to 7")
    add("--rows", type=int, default=400_000, help="impressions to train on; clicks are about 0.19")
    add("--out-folder", type=Path, default=Path("experiments/seeds"), help="data, results, logs")
    add("--child", metavar="SPEC", help=argparse.SUPPRESS)
    return made


def main(flags: Namespace) -> int:
    """Runs what is missing and prints the tables; returns 1 when a run does not learn."""
    if flags.child:
        train(json.loads(flags.child))
        return 0
    folder = flags.out_folder.resolve()
    data = make_data(folder, flags.rows)
    print("| config | seed | in-batch recall@10 | recall@50 | recall@10 | learns |")
    print("|---|---:|---:|---:|---:|---|")
    results = []
    for config in flags.configs:
        for seed in flags.seeds:
            results.append(result(config, seed, data, folder, flags.config_edits))
            print(line(results[-1]), flush=True)
    print("\n" + summary(results))
    return 0 if all(result.learns for result in results) else 1


def make_data(folder: Path, rows: int) -> Path:
    """Returns the folder of the data, made if it is not there."""
    data = folder / f"data-{rows}"
    if not (data / "items.txt").is_file():
        command = [sys.executable, "-m", "easyrec_lite.datasets", "taobao-synthetic", "--overwrite"]
        command += ["--rows", str(rows), "--out", str(data)]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return data


def result(config: str, seed: int, data: Path, folder: Path, edits: dict[str, Any]) -> Result:
    """Returns the result of a run, which is made unless it is kept in `folder`."""
    spec = {"config": config, "seed": seed, "data": str(data), "edits": edits}
    text = (ROOT / "configs" / f"{config}.config").read_text("utf-8")
    digest = hashlib.sha256((json.dumps(spec, sort_keys=True) + text).encode()).hexdigest()[:12]
    kept = folder / f"{config}-{seed}-{digest}.json"
    if not kept.is_file():
        spec |= {"out": str(kept), "model_dir": str(kept.with_suffix(""))}
        with kept.with_suffix(".log").open("w") as log:
            command = [sys.executable, "-m", "benchmarks.seeds", "--child", json.dumps(spec)]
            subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=True)
    metrics = json.loads(kept.read_text("utf-8"))
    model, popularity = (
        {k: metrics[scorer][f"recall@{k}"] for k in MARGINS} for scorer in ("model", "popularity")
    )
    return Result(config, seed, metrics["in_batch"], model, popularity)


def train(spec: dict[str, Any]) -> None:
    """Trains and ranks in this process, and writes the metrics to `spec["out"]`."""
    from easyrec_lite.checks.check import load_config
    from easyrec_lite.runs.process import prepare

    pipeline = load_config(f"{spec['config']}.config", run_edits(spec) | spec["edits"])
    prepare(pipeline, training=True)
    from easyrec_lite.runs.estimator import Estimator
    from easyrec_lite.runs.progress import make_progress

    folder = Path(spec["model_dir"])
    metrics = Estimator(pipeline, [make_progress()]).train_and_evaluate().metrics
    rows = json.loads((folder / "ranking.json").read_text("utf-8"))["rows"]
    kept = {row["scorer"]: row["metrics"] for row in rows if row["seen"] == "kept"}
    atomic_write(spec["out"], json.dumps({"in_batch": metrics[IN_BATCH], **kept}, indent=1) + "\n")
    shutil.rmtree(folder)


def run_edits(spec: dict[str, Any]) -> dict[str, Any]:
    """Returns the edits of a run: its data, its seed, and one evaluation at the end."""
    data = Path(spec["data"])
    return {
        "model_dir": spec["model_dir"],
        "train_input_path": str(data / "train_clicked.csv"),
        "eval_input_path": str(data / "test_clicked.csv"),
        "data_config.negative_sampler.input_path": str(data / "items.txt"),
        "train_config.seed": spec["seed"],
        "train_config.save_checkpoints_steps": 10**6,
        "eval_config.full_ranking": {"topk": sorted(MARGINS), "by_row": True},
        "export_config.exporter_type": "none",
    }


def line(result: Result) -> str:
    """Returns a run's row of the table."""
    ratios = [f"{result.recall[k]:.3f} ({_times(result, k):.2f} ×)" for k in (50, 10)]
    verdict = "yes" if result.learns else "**no**"
    return (
        f"| `{result.config}` | {result.seed} | {result.in_batch:.3f} | {ratios[0]} | {ratios[1]} "
        f"| {verdict} |"
    )


def summary(results: Sequence[Result]) -> str:
    """Returns a table with a row for each config: least, median and most over seeds."""
    lines = [
        "Least – median – most over seeds; × popularity.\n",
        "| config | in-batch recall@10 | recall@50 | recall@10 | learn |",
        "|---|---:|---:|---:|---:|",
    ]
    for config in dict.fromkeys(result.config for result in results):
        runs = [result for result in results if result.config == config]
        cells = [_range([run.in_batch for run in runs])]
        for k in (50, 10):
            recall, times = ([run.recall[k] for run in runs], [_times(run, k) for run in runs])
            cells.append(f"{_range(recall)} ({statistics.median(times):.2f} ×)")
        learn = f"{sum(run.learns for run in runs)} of {len(runs)}"
        lines.append(f"| `{config}` | {' | '.join(cells)} | {learn} |")
    popularity = results[0].popularity
    lines.append(f"| popularity | | {popularity[50]:.3f} | {popularity[10]:.3f} | |")
    return "\n".join(lines)


def _times(result: Result, k: int) -> float:
    return result.recall[k] / max(result.popularity[k], 1e-9)


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.3f} – {statistics.median(values):.3f} – {max(values):.3f}"


if __name__ == "__main__":
    sys.exit(run(parser, main))
